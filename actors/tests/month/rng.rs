//! Chance from one number, the same on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014): a counter that is stirred well.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream, for somebody who is to decide the same whatever others do.
    pub(crate) fn of(seed: u64, who: u64) -> Self {
        let mut rng = Self(seed ^ who.wrapping_mul(0xd134_2543_de82_ef95));
        rng.next();
        rng
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not zero.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Holds so many times in a thousand.
    pub(crate) const fn permille(&mut self, times: u64) -> bool {
        self.below(1_000) < times
    }

    /// One of them; `None` when there is none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let len = u64::try_from(from.len()).ok().filter(|len| *len > 0)?;
        usize::try_from(self.below(len)).ok().and_then(|index| from.get(index))
    }
}
