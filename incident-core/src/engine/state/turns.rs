//! Turns, taken in order of arrival.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Maximum number of waiters for one turn; more are refused at once.
pub(in crate::engine) const MAX_WAITING: usize = 10_000;

/// A queue in which one waiter at a time has the turn.
///
/// The turn is handed to the one that has waited longest. A lock that any newcomer may take would
/// let some wait many times as long as others.
#[derive(Debug, Default)]
pub(in crate::engine) struct Turns(Mutex<TurnState>);

#[derive(Debug, Default)]
struct TurnState {
    taken: bool,
    /// The ticket whose turn it is, until its waiter is polled.
    called: Option<u64>,
    /// The wakers of the waiters, by ticket.
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

/// The turn, held until it is dropped.
#[derive(Debug)]
#[must_use]
pub(in crate::engine) struct CommandTurn<'a>(&'a Turns);

/// A future that waits for the turn. Dropped before it has the turn, it leaves its place.
#[derive(Debug)]
pub(in crate::engine) struct Waiting<'a> {
    turns: &'a Turns,
    ticket: Option<u64>,
}

impl Turns {
    /// Returns a future that queues at its first poll; none if too many wait already.
    pub(in crate::engine) fn wait(&self) -> Option<Waiting<'_>> {
        (self.lock().waiting.len() < MAX_WAITING).then_some(Waiting {
            turns: self,
            ticket: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, TurnState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes the turn to the next waiter.
    fn pass(&self) {
        let mut state = self.lock();
        let next = state.waiting.pop_first();
        state.called = next.as_ref().map(|(ticket, _)| *ticket);
        state.taken = next.is_some();
        drop(state);
        if let Some((_, waker)) = next {
            waker.wake();
        }
    }
}

impl<'a> Future for Waiting<'a> {
    type Output = CommandTurn<'a>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CommandTurn<'a>> {
        let turns = self.turns;
        let mut state = turns.lock();
        match self.ticket {
            None if !state.taken => state.taken = true,
            Some(ticket) if state.called == Some(ticket) => {
                state.called = None;
                self.ticket = None;
            }
            ticket => {
                let ticket = ticket.unwrap_or(state.next);
                state.next = state.next.max(ticket.saturating_add(1));
                state.waiting.insert(ticket, context.waker().clone());
                self.ticket = Some(ticket);
                return Poll::Pending;
            }
        }
        Poll::Ready(CommandTurn(turns))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut state = self.turns.lock();
        let was_called = state.called == Some(ticket);
        state.waiting.remove(&ticket);
        drop(state);
        if was_called {
            self.turns.pass();
        }
    }
}

impl Drop for CommandTurn<'_> {
    fn drop(&mut self) {
        self.0.pass();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use futures_util::FutureExt;
    use futures_util::task::noop_waker_ref;

    use super::*;

    fn poll<'a>(waiting: Pin<&mut Waiting<'a>>) -> Option<CommandTurn<'a>> {
        match waiting.poll(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn the_turn_goes_to_whoever_has_waited_longest() {
        let turns = Turns::default();
        let first = turns.wait().unwrap().now_or_never().unwrap();
        let (mut a, mut b, mut c) = (
            pin!(turns.wait().unwrap()),
            pin!(turns.wait().unwrap()),
            pin!(turns.wait().unwrap()),
        );
        for one in [&mut b, &mut a, &mut c] {
            assert!(poll(one.as_mut()).is_none());
        }
        drop(first);
        // Neither a newcomer nor a later waiter gets the turn.
        assert!(turns.wait().unwrap().now_or_never().is_none());
        assert!(poll(a.as_mut()).is_none() && poll(c.as_mut()).is_none());
        let turn = poll(b.as_mut()).unwrap();
        drop(turn);
        let turn = poll(a.as_mut()).unwrap();
        assert!(poll(c.as_mut()).is_none());
        drop(turn);
        drop(poll(c.as_mut()).unwrap());
        assert!(turns.wait().unwrap().now_or_never().is_some());
    }

    #[test]
    fn whoever_goes_away_leaves_the_place_to_those_behind() {
        let turns = Turns::default();
        let first = turns.wait().unwrap().now_or_never().unwrap();
        let mut last = pin!(turns.wait().unwrap());
        {
            let mut goes = pin!(turns.wait().unwrap());
            let mut is_called = pin!(turns.wait().unwrap());
            assert!(poll(goes.as_mut()).is_none() && poll(is_called.as_mut()).is_none());
            assert!(poll(last.as_mut()).is_none());
            // Dropped in reverse order: `is_called` before it has the turn, `goes` when it has it.
            drop(first);
            assert_eq!(turns.lock().called, goes.ticket);
        }
        assert!(poll(last.as_mut()).is_some());
        assert!(turns.lock().waiting.is_empty());
    }

    #[test]
    fn too_many_that_wait_are_refused() {
        let turns = Turns::default();
        let turn = turns.wait().unwrap().now_or_never().unwrap();
        let mut waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| Box::pin(turns.wait().unwrap()))
            .collect();
        for one in &mut waiting {
            assert!(poll(one.as_mut()).is_none());
        }
        assert!(turns.wait().is_none());
        drop(waiting.swap_remove(5_000));
        assert!(turns.wait().is_some());
        drop(turn);
    }

    /// A waker that counts how often it is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_the_next_one_is_woken() {
        let turns = Turns::default();
        let turn = turns.wait().unwrap().now_or_never().unwrap();
        let (next, later) = (Arc::<Woken>::default(), Arc::<Woken>::default());
        let mut waiting = [turns.wait().unwrap(), turns.wait().unwrap()].map(Box::pin);
        for (one, woken) in waiting.iter_mut().zip([&next, &later]) {
            let waker = Waker::from(Arc::clone(woken));
            assert!(
                one.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        drop(turn);
        let count = |woken: &Woken| woken.0.load(Ordering::Relaxed);
        assert_eq!((count(&next), count(&later)), (1, 0));
    }
}
