//! Counts sign-in attempts, so that passwords cannot be guessed at speed.

use fuente_contract::{Error, ErrorCode, Result};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Over which attempts are counted.
const WINDOW: Duration = Duration::from_secs(300);

/// Entries kept at most. A flood of made-up accounts then costs old counts, not memory.
const CAPACITY: usize = 50_000;

/// Who tries, and as whom. The account is what was typed, so that an account that does not
/// exist is limited exactly like one that does.
type Key = (Option<IpAddr>, String);

/// Attempts per address and account.
pub(crate) struct Attempts {
    limit: u32,
    seen: Mutex<HashMap<Key, (Instant, u32)>>,
}

impl Attempts {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit: limit.max(1), seen: Mutex::default() }
    }

    /// Counts one attempt, before the password is looked at.
    ///
    /// # Errors
    /// `RateLimited` once the limit is passed, until the window ends.
    pub(crate) fn count(&self, address: Option<IpAddr>, account: &str) -> Result<()> {
        self.count_at(Instant::now(), address, account)
    }

    fn count_at(&self, now: Instant, address: Option<IpAddr>, account: &str) -> Result<()> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CAPACITY {
            seen.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
            if seen.len() >= CAPACITY {
                seen.clear();
            }
        }
        let entry = seen.entry((address, account.to_lowercase())).or_insert((now, 0));
        if now.duration_since(entry.0) >= WINDOW {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        if entry.1 <= self.limit {
            return Ok(());
        }
        let left = WINDOW.saturating_sub(now.duration_since(entry.0)).as_secs() + 1;
        let refusal = Error::new(ErrorCode::RateLimited, "Too many attempts to sign in. Wait before the next one.");
        Err(Error { retry_after: u32::try_from(left).ok(), ..refusal })
    }

    /// Forgets the attempts of someone who proved who they are.
    pub(crate) fn forget(&self, address: Option<IpAddr>, account: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(&(address, account.to_lowercase()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_per_address_and_account_and_ends_with_the_window() {
        let (attempts, now) = (Attempts::new(2), Instant::now());
        let (here, there) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        assert!(attempts.count_at(now, here, "Ann@x.org").is_ok());
        assert!(attempts.count_at(now, here, "ann@x.org").is_ok());
        let refused = attempts.count_at(now, here, "ANN@x.org").unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(301)));
        assert!(attempts.count_at(now, there, "ann@x.org").is_ok());
        assert!(attempts.count_at(now, here, "bob@x.org").is_ok());
        assert!(attempts.count_at(now + WINDOW, here, "ann@x.org").is_ok());
    }
}
