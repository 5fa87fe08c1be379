//! Numbered points at which a test kills the process: before and after every commit and every outgoing request.
//!
//! In a release build both functions are empty. In a debug build every pair of [`before`] and [`after`] has a number, counted
//! over the whole process from one, and
//! - `USIPIPO_CRASH_LOG=file` appends a line `n kind name` for each, so that a test learns how many there are;
//! - `USIPIPO_CRASH_AT=n`, `n:before` or `n:after` kills the process with SIGKILL at point `n` (without a word: before);
//!   `name#k` in place of `n` means the `k`th point of that name, whatever else goes on at the same time.

/// A point that has begun; hand it to [`after`].
#[derive(Debug, Clone, Copy)]
#[must_use = "the point ends with `after`"]
pub struct Point {
    /// The process dies when this point is over.
    #[cfg(debug_assertions)]
    dies_after: bool,
}

/// Call it just before what may be interrupted: `kind` is `commit` or `call`, `name` says which.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn before(_kind: &str, _name: &str) -> Point {
    Point {}
}

/// Call it when that is done, before anybody is told.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn after(_point: Point) {}

#[cfg(debug_assertions)]
pub use counted::{after, before};

#[cfg(debug_assertions)]
mod counted {
    use super::Point;
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static COUNT: AtomicU64 = AtomicU64::new(0);
    /// Points so far of the name that the plan speaks of.
    static NAMED: AtomicU64 = AtomicU64::new(0);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Side {
        Before,
        After,
    }

    #[derive(Debug, Clone, PartialEq, Eq)]
    enum At {
        Number(u64),
        Named(String, u64),
    }

    struct Plan {
        at: Option<(At, Side)>,
        log: Option<std::path::PathBuf>,
    }

    fn plan() -> &'static Plan {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        PLAN.get_or_init(|| Plan {
            at: std::env::var("USIPIPO_CRASH_AT").ok().and_then(|text| parse(&text)),
            log: std::env::var_os("USIPIPO_CRASH_LOG").map(Into::into),
        })
    }

    fn parse(text: &str) -> Option<(At, Side)> {
        let (point, side) = text.split_once(':').unwrap_or((text, "before"));
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return None,
        };
        let at = match point.split_once('#') {
            Some((name, nth)) => At::Named(name.to_owned(), nth.parse().ok()?),
            None => At::Number(point.parse().ok()?),
        };
        Some((at, side))
    }

    fn die() -> ! {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        // The signal may take a moment to arrive; nothing may happen until then.
        loop {
            std::thread::park();
        }
    }

    /// On which side of this point the process dies, if on any.
    fn due(number: u64, name: &str) -> Option<Side> {
        let (at, side) = plan().at.as_ref()?;
        let here = match at {
            At::Number(wanted) => *wanted == number,
            At::Named(wanted, nth) => wanted == name && NAMED.fetch_add(1, Ordering::SeqCst) + 1 == *nth,
        };
        here.then_some(*side)
    }

    /// Call it just before what may be interrupted: `kind` is `commit` or `call`, `name` says which.
    pub fn before(kind: &str, name: &str) -> Point {
        let number = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(path) = &plan().log {
            let line = format!("{number} {kind} {name}\n");
            let written = std::fs::OpenOptions::new().create(true).append(true).open(path);
            let _ = written.and_then(|mut file| file.write_all(line.as_bytes()));
        }
        match due(number, name) {
            Some(Side::Before) => die(),
            side => Point { dies_after: side == Some(Side::After) },
        }
    }

    /// Call it when that is done, before anybody is told.
    pub fn after(point: Point) {
        if point.dies_after {
            die();
        }
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

        use super::{At, Side, after, before, parse};
        use std::os::unix::process::ExitStatusExt as _;

        #[test]
        fn a_plan_names_a_number_and_a_side() {
            assert_eq!(parse("7"), Some((At::Number(7), Side::Before)));
            assert_eq!(parse("7:before"), Some((At::Number(7), Side::Before)));
            assert_eq!(parse("12:after"), Some((At::Number(12), Side::After)));
            assert_eq!(parse("tidy#2:after"), Some((At::Named("tidy".to_owned(), 2), Side::After)));
            assert_eq!(parse("12:sideways"), None);
            assert_eq!(parse("x"), None);
        }

        /// Run by the next test in a process of its own, which dies.
        #[test]
        #[ignore = "dies on purpose"]
        fn three_points() {
            let Some(done) = std::env::var_os("USIPIPO_TEST_DONE") else { return };
            for name in ["one", "two", "three"] {
                let point = before("commit", name);
                let so_far = std::fs::read_to_string(&done).unwrap_or_default();
                std::fs::write(&done, format!("{so_far}{name} ")).unwrap();
                after(point);
            }
        }

        #[test]
        fn the_process_dies_at_the_point_it_is_told() {
            let folder = std::env::temp_dir().join(format!("usipipo-crash-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let (log, done) = (folder.join("log"), folder.join("done"));
            for (at, killed, did, reached) in [
                ("9", false, "one two three ", 3),
                ("2", true, "one ", 2),
                ("2:before", true, "one ", 2),
                ("2:after", true, "one two ", 2),
                ("1", true, "", 1),
                ("three#1:before", true, "one two ", 3),
                ("three#2:before", false, "one two three ", 3),
            ] {
                let _ = std::fs::remove_file(&log);
                std::fs::write(&done, "").unwrap();
                let status = std::process::Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "crash::counted::tests::three_points", "--ignored"])
                    .env("USIPIPO_CRASH_AT", at)
                    .env("USIPIPO_CRASH_LOG", &log)
                    .env("USIPIPO_TEST_DONE", &done)
                    .stdout(std::process::Stdio::null())
                    .status()
                    .unwrap();
                assert_eq!(status.signal(), killed.then_some(9), "{at}");
                assert_eq!(std::fs::read_to_string(&done).unwrap(), did, "{at}");
                let lines = ["1 commit one", "2 commit two", "3 commit three"][..reached].join("\n") + "\n";
                assert_eq!(std::fs::read_to_string(&log).unwrap(), lines, "{at}");
            }
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}
