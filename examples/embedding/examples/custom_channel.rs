//! A custom channel, checked by the conformance macro.
//!
//! Run with `cargo run -p incident-embedding --example custom_channel`; its tests
//! with `cargo test -p incident-embedding --example custom_channel`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::actor::{Actor, Caller, Role};
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Incident, Severity};
use incident_core::notice::Notice;
use incident_core::port::{Channel, ChannelError};
use incident_core::{MessageId, Name, PersonName, plain};
use incident_store_memory::MemoryStore;

/// A board in the office that shows each notice on a line, once.
#[derive(Clone, Debug)]
struct Board {
    name: Name,
    lines: Arc<Mutex<Vec<(MessageId, String)>>>,
}

impl Board {
    fn new() -> Result<Self, incident_core::ValidationError> {
        Ok(Self {
            name: Name::new("board")?,
            lines: Arc::default(),
        })
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(_, line)| line.clone()).collect()
    }
}

#[async_trait]
impl Channel for Board {
    fn name(&self) -> &Name {
        &self.name
    }

    async fn send(
        &self,
        notice: &Notice,
        incident: &Incident,
        _timeout: Duration,
    ) -> Result<(), ChannelError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let id = notice.message_id();
        if lines.iter().all(|(known, _)| *known != id) {
            let (group, trigger) = (&notice.group, notice.fired.trigger.sentence());
            let title = plain(incident.title.as_str());
            let line = format!("{group}: {} {title}: {trigger}", incident.severity);
            lines.push((id, line));
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let board = Board::new()?;
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .channel(Arc::new(board.clone()))
        .build()?;
    let anna = Caller {
        actor: Actor::person(PersonName::new("anna")?),
        role: Role::Responder,
    };
    incidents
        .declare(
            &RequestContext::new(anna),
            &Declare::new("API down".parse()?, Severity::Sev1),
        )
        .await?;
    incidents.worker().fire_rules().await?;
    incidents.worker().drain().await?;
    for line in board.lines() {
        println!("{line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use incident_core::conformance::{ChannelBackend, ReceiverPlan};

    use super::*;

    struct OneBoard;

    #[async_trait]
    impl ChannelBackend for OneBoard {
        type Guard = Board;

        async fn open() -> (Arc<dyn Channel>, Board) {
            let board = Board::new().unwrap();
            (Arc::new(board.clone()), board)
        }

        async fn plan(_board: &Board, plan: ReceiverPlan) -> bool {
            plan == ReceiverPlan::Accept
        }

        async fn counted(board: &Board) -> Option<usize> {
            Some(board.lines().len())
        }

        async fn lines(board: &Board) -> Option<Vec<String>> {
            Some(board.lines())
        }

        fn secrets(_board: &Board) -> Vec<String> {
            Vec::new()
        }
    }

    incident_core::channel_conformance!(OneBoard);
}
