//! Which slots are free, one bit each, searched a word at a time.

/// Bits in a word.
const WORD: usize = u64::BITS as usize;

/// A set bit is a free slot. A pool of 16,384 slots is 2 KiB, searched from end to end in about 256 steps.
#[derive(Debug, Clone)]
pub(super) struct Bitmap {
    words: Vec<u64>,
    len: usize,
    free: usize,
}

impl Bitmap {
    /// All slots free.
    pub(super) fn new(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(WORD)];
        if let Some(last) = words.last_mut().filter(|_| !len.is_multiple_of(WORD)) {
            *last = (1 << (len % WORD)) - 1;
        }
        Self { words, len, free: len }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn free(&self) -> usize {
        self.free
    }

    /// The first free slot from `start` on, from the beginning again behind the last one.
    pub(super) fn next_free(&self, start: usize) -> Option<usize> {
        if self.free == 0 {
            return None;
        }
        let start = if start < self.len { start } else { 0 };
        let (first, bit) = (start / WORD, start % WORD);
        let behind = self.words[first] & (u64::MAX << bit);
        let found = |word: usize, bits: u64| word * WORD + bits.trailing_zeros() as usize;
        if behind != 0 {
            return Some(found(first, behind));
        }
        // The word of `start` comes last once more, for the bits before it.
        (first + 1..self.words.len())
            .chain(0..=first)
            .find(|word| self.words[*word] != 0)
            .map(|word| found(word, self.words[word]))
    }

    pub(super) fn set(&mut self, slot: usize, free: bool) {
        let (word, mask) = (&mut self.words[slot / WORD], 1_u64 << (slot % WORD));
        match (*word & mask != 0, free) {
            (false, true) => self.free += 1,
            (true, false) => self.free -= 1,
            (true, true) | (false, false) => return,
        }
        *word ^= mask;
    }
}
