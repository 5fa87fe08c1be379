//! Something that happens at the end of a task, however it ends.

/// Does something when it is dropped: at the end of a task, and also when the task panics. An actor that waits for a task's
/// report would otherwise wait for ever.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    /// Does `what` when dropped.
    pub(crate) const fn new(what: F) -> Self {
        Self(Some(what))
    }

    /// Does nothing any more.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(what) = self.0.take() {
            what();
        }
    }
}
