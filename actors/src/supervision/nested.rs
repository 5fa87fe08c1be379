//! A supervisor as the child of another.

use super::actor::{AlertSink, KIND};
use super::policy::Policy;
use super::{Boxed, ChildSpec, Faults, Roster, Supervisor, SupervisorArgs, SupervisorMsg};
use ractor::{ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::time::Duration;

/// What [`nested`] prepares before each start: the children of the moment.
pub type Prepare = Arc<dyn Fn() -> Boxed<Result<Vec<ChildSpec>, ActorProcessingErr>> + Send + Sync>;

/// A supervisor as a core child of another. `prepare` runs before each start and tells the children; its failure is a failure
/// to start.
pub fn nested(
    faults: &Faults,
    stop_timeout: Duration,
    policy: Policy,
    alerts: AlertSink,
    name: &str,
    prepare: Prepare,
) -> ChildSpec {
    let roster = Roster::default();
    let make = {
        let name = name.to_owned();
        move || {
            let args = SupervisorArgs {
                name: name.clone(),
                children: Vec::new(),
                policy,
                alerts: Arc::clone(&alerts),
                roster: roster.clone(),
                given_up: Arc::default(),
            };
            (Supervisor, args)
        }
    };
    let mut spec = ChildSpec::with(faults, stop_timeout, KIND, name, make);
    let start = spec.start;
    spec.start = Arc::new(move |parent| {
        let (start, prepare) = (Arc::clone(&start), Arc::clone(&prepare));
        Box::pin(async move {
            let children = prepare().await.map_err(ractor::SpawnErr::StartupFailed)?;
            let cell = start(parent).await?;
            let supervisor: ActorRef<SupervisorMsg> = cell.clone().into();
            for child in children {
                let _ = supervisor.cast(SupervisorMsg::Add(child));
            }
            Ok(cell)
        })
    });
    spec
}
