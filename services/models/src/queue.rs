//! A bounded queue with lanes, between many callers and the thread or two that own it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Why a push did not happen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// So many wait already.
    Full(usize),
    /// The owner thread is gone.
    Closed,
}

/// An item that may lose its caller while it waits.
pub(crate) trait Waiting {
    /// Whether nobody waits for the result any more.
    fn abandoned(&self) -> bool;
}

/// Lane 0 is served before lane 1, and so on; within a lane, first come, first served.
pub(crate) struct Queue<T, const LANES: usize> {
    state: Mutex<State<T, LANES>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T, const LANES: usize> {
    lanes: [VecDeque<T>; LANES],
    closed: bool,
}

impl<T: Waiting, const LANES: usize> Queue<T, LANES> {
    /// Each lane holds at most `capacity` waiting items.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { lanes: std::array::from_fn(|_| VecDeque::new()), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity: capacity.max(1) }
    }

    /// Adds an item at the end of a lane. Items whose callers left do not take up room.
    pub(crate) fn push(&self, lane: usize, item: T) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let waiting = &mut state.lanes[lane];
        waiting.retain(|other| !other.abandoned());
        if waiting.len() >= self.capacity {
            return Err(Refused::Full(waiting.len()));
        }
        waiting.push_back(item);
        // All, because the lane may be another owner's than the one that would be woken.
        self.changed.notify_all();
        Ok(())
    }

    /// Puts back an item that is not finished, as the first of its lane; never refused.
    pub(crate) fn put_back(&self, lane: usize, item: T) {
        self.lock().lanes[lane].push_front(item);
        self.changed.notify_all();
    }

    /// The next item, waiting for one; `None` once the queue is closed.
    pub(crate) fn next(&self) -> Option<(usize, T)> {
        self.next_where(|_| true)
    }

    /// The next item of the lanes that `mine` names, asked again whenever something changes;
    /// `None` once the queue is closed.
    pub(crate) fn next_where(&self, mine: impl Fn(usize) -> bool) -> Option<(usize, T)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(found) = take(&mut state.lanes, &mine) {
                return Some(found);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next item of `lane`, waiting at most `time` for one; `None` also once the queue is closed.
    pub(crate) fn next_within(&self, lane: usize, time: Duration) -> Option<T> {
        let end = Instant::now() + time;
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some((_, item)) = take(&mut state.lanes, &|other| other == lane) {
                return Some(item);
            }
            let left = end.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next item, if one waits.
    pub(crate) fn try_next(&self) -> Option<(usize, T)> {
        take(&mut self.lock().lanes, &|_| true)
    }

    /// Lets every owner ask again which lanes are its own.
    pub(crate) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits until something is pushed, or for `time`.
    pub(crate) fn pause(&self, time: Duration) {
        let state = self.lock();
        drop(self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends the queue: the owner thread stops, and what waited is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.lanes.iter_mut().for_each(VecDeque::clear);
        self.changed.notify_all();
    }

    pub(crate) fn closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State<T, LANES>> {
        // No code panics while it holds the lock, so a poisoned queue is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<T: Waiting, const LANES: usize>(
    lanes: &mut [VecDeque<T>; LANES],
    mine: &impl Fn(usize) -> bool,
) -> Option<(usize, T)> {
    lanes.iter_mut().enumerate().filter(|(lane, _)| mine(*lane)).find_map(|(lane, waiting)| {
        waiting.retain(|item| !item.abandoned());
        waiting.pop_front().map(|item| (lane, item))
    })
}

/// Closes the queue when the owner thread ends, even by a panic: later callers then get an
/// error instead of waiting for nobody.
pub(crate) struct CloseOnExit<'q, T: Waiting, const LANES: usize>(pub(crate) &'q Queue<T, LANES>);

impl<T: Waiting, const LANES: usize> Drop for CloseOnExit<'_, T, LANES> {
    fn drop(&mut self) {
        self.0.close();
    }
}
