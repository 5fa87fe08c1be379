//! A shell around each child that tells a panic from an error, which ractor reports alike.

use super::{Boxed, StartChild};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// An actor panicked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("panic: {0}")]
pub struct Panicked(pub String);

/// Runs the future and makes an error of its panic.
pub(super) async fn caught<T>(
    future: impl Future<Output = Result<T, ActorProcessingErr>>,
) -> Result<T, ActorProcessingErr> {
    let mut future = pin!(future);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|payload| Poll::Ready(Err(Panicked(text_of(payload.as_ref())).into())))
    })
    .await
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "without a text".to_owned())
}

struct Guarded<A> {
    actor: A,
    name: Arc<str>,
    faults: Faults,
}

impl<A: Actor> Actor for Guarded<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        arguments: A::Arguments,
    ) -> Result<A::State, ActorProcessingErr> {
        caught(async {
            self.faults.strike_start(&self.name)?;
            self.actor.pre_start(myself, arguments).await
        })
        .await
    }

    async fn post_start(&self, myself: ActorRef<A::Msg>, state: &mut A::State) -> Result<(), ActorProcessingErr> {
        caught(self.actor.post_start(myself, state)).await
    }

    async fn post_stop(&self, myself: ActorRef<A::Msg>, state: &mut A::State) -> Result<(), ActorProcessingErr> {
        caught(self.actor.post_stop(myself, state)).await
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        caught(async {
            self.faults.strike(&self.name)?;
            self.actor.handle(myself, message, state).await
        })
        .await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        caught(self.actor.handle_supervisor_evt(myself, event, state)).await
    }
}

/// Starts such an actor, linked.
pub(super) fn starter<A: Actor>(
    faults: &Faults,
    name: &str,
    make: impl Fn() -> (A, A::Arguments) + Send + Sync + 'static,
) -> StartChild {
    let (name, faults): (Arc<str>, _) = (name.into(), faults.clone());
    Arc::new(move |supervisor: ActorCell| -> Boxed<Result<ActorCell, SpawnErr>> {
        let (actor, arguments) = make();
        let guarded = Guarded { actor, name: Arc::clone(&name), faults: faults.clone() };
        Box::pin(async move {
            let (actor, _) = Guarded::spawn_linked(None, guarded, arguments, supervisor).await?;
            Ok(actor.get_cell())
        })
    })
}

/// How a child is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Panics at its next message.
    Panic,
    /// Answers its next message with an error.
    Error,
    /// Its next start fails.
    Start,
}

/// Faults that tests plan for children, by name. Outside tests there are none.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    #[cfg(feature = "testing")]
    planned: Arc<std::sync::Mutex<Vec<(String, Fault)>>>,
}

#[cfg(feature = "testing")]
impl Faults {
    /// Plans a fault; planned twice, it happens twice.
    pub fn plan(&self, name: &str, fault: Fault) {
        self.lock().push((name.to_owned(), fault));
    }

    /// Whether every planned fault has happened.
    #[must_use]
    pub fn all_struck(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, Fault)>> {
        self.planned.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self, name: &str, fits: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut planned = self.lock();
        let index = planned.iter().position(|(planned, fault)| planned == name && fits(*fault))?;
        Some(planned.remove(index).1)
    }

    #[allow(clippy::panic, reason = "that is its purpose")]
    fn strike(&self, name: &str) -> Result<(), ActorProcessingErr> {
        match self.take(name, |fault| fault != Fault::Start) {
            Some(Fault::Panic) => panic!("a planned panic"),
            Some(_) => Err("a planned error".into()),
            None => Ok(()),
        }
    }

    fn strike_start(&self, name: &str) -> Result<(), ActorProcessingErr> {
        match self.take(name, |fault| fault == Fault::Start) {
            Some(_) => Err("a planned failure to start".into()),
            None => Ok(()),
        }
    }
}

#[cfg(not(feature = "testing"))]
impl Faults {
    const fn strike(&self, _name: &str) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    const fn strike_start(&self, _name: &str) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
