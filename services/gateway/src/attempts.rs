//! Counts sign-in attempts, so that passwords cannot be guessed at speed.
//!
//! Two counts: per address and account, and, ten times as high, per address alone, so that
//! one guess at each of many accounts is limited too.

use fuente_contract::{Error, ErrorCode, Result};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Over which attempts are counted.
const WINDOW: Duration = Duration::from_secs(300);

/// Counts kept at most. Past them the oldest go; each has the same small size, whatever was typed.
const CAPACITY: usize = 50_000;

/// Attempts of one address, as a multiple of those of one account from it.
const ACCOUNTS: u32 = 10;

/// A hash under keys of this process, so that nobody outside can aim at another's count.
type Key = (u64, u64);

/// Attempts per address and account, and per address.
pub(crate) struct Attempts {
    limit: u32,
    hashers: (RandomState, RandomState),
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    seen: HashMap<Key, (Instant, u32)>,
    /// Every count in the order in which it began. One that was taken back may still stand here.
    order: VecDeque<(Instant, Key)>,
}

impl Attempts {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit: limit.max(1), hashers: Default::default(), counts: Mutex::default() }
    }

    /// Counts one attempt, before the password is looked at. The account is what was typed, so
    /// that an account that does not exist is limited exactly like one that does.
    ///
    /// # Errors
    /// `RateLimited` once a limit is passed, until the window ends.
    pub(crate) fn count(&self, address: Option<IpAddr>, account: &str) -> Result<()> {
        self.count_at(Instant::now(), address, account)
    }

    fn count_at(&self, now: Instant, address: Option<IpAddr>, account: &str) -> Result<()> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // The address comes first: once it is refused, what it types makes no further counts,
        // so it cannot push out those of others.
        let everywhere = self.limit.saturating_mul(ACCOUNTS);
        counts.add(now, self.key(address, None), everywhere)?;
        counts.add(now, self.key(address, Some(account)), self.limit)
    }

    /// Takes back the attempts of someone who proved who they are: all on the account, and this
    /// one on the address, so that a whole office behind one address may sign in.
    pub(crate) fn forget(&self, address: Option<IpAddr>, account: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.seen.remove(&self.key(address, Some(account)));
        if let Some((_, count)) = counts.seen.get_mut(&self.key(address, None)) {
            *count = count.saturating_sub(1);
        }
    }

    fn key(&self, address: Option<IpAddr>, account: Option<&str>) -> Key {
        let key = (address.map(network), account.map(str::to_lowercase));
        (self.hashers.0.hash_one(&key), self.hashers.1.hash_one(&key))
    }
}

impl Counts {
    fn add(&mut self, now: Instant, key: Key, limit: u32) -> Result<()> {
        self.drop_old(now);
        let order = &mut self.order;
        let (since, count) = self.seen.entry(key).or_insert_with(|| {
            order.push_back((now, key));
            (now, 0)
        });
        *count = count.saturating_add(1);
        if *count <= limit {
            return Ok(());
        }
        let left = WINDOW.saturating_sub(now.duration_since(*since)).as_secs() + 1;
        let refusal = Error::new(ErrorCode::RateLimited, "Too many attempts to sign in. Wait before the next one.");
        Err(Error { retry_after: u32::try_from(left).ok(), ..refusal })
    }

    /// Makes room: what the window has left behind, then the oldest.
    fn drop_old(&mut self, now: Instant) {
        while let Some(&(since, key)) = self.order.front() {
            if now.duration_since(since) < WINDOW && self.order.len() < CAPACITY {
                break;
            }
            self.order.pop_front();
            // A count that was taken back and began again stands later in the order too.
            if self.seen.get(&key).is_some_and(|(began, _)| *began == since) {
                self.seen.remove(&key);
            }
        }
    }
}

/// The part of an address that one customer of a provider has: with IPv6 that is a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into()),
        short => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([127, 0, 0, last]))
    }

    #[test]
    fn the_limit_holds_per_address_and_account_and_ends_with_the_window() {
        let (attempts, now) = (Attempts::new(2), Instant::now());
        let (here, there) = (address(1), address(2));
        assert!(attempts.count_at(now, here, "Ann@x.org").is_ok());
        assert!(attempts.count_at(now, here, "ann@x.org").is_ok());
        let refused = attempts.count_at(now, here, "ANN@x.org").unwrap_err();
        assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(301)));
        assert!(attempts.count_at(now, there, "ann@x.org").is_ok());
        assert!(attempts.count_at(now, here, "bob@x.org").is_ok());
        assert!(attempts.count_at(now + WINDOW, here, "ann@x.org").is_ok());
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let (attempts, now) = (Attempts::new(2), Instant::now());
        for account in 0..20 {
            assert!(attempts.count_at(now, address(1), &format!("{account}@x.org")).is_ok(), "{account}");
        }
        let refused = attempts.count_at(now, address(1), "another@x.org").unwrap_err();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert!(attempts.count_at(now, address(2), "another@x.org").is_ok());
    }

    #[test]
    fn those_who_sign_in_do_not_use_up_their_address() {
        let (attempts, now) = (Attempts::new(1), Instant::now());
        for _ in 0..50 {
            assert!(attempts.count_at(now, address(1), "ann@x.org").is_ok());
            attempts.forget(address(1), "ann@x.org");
        }
    }

    #[test]
    fn a_flood_from_one_address_does_not_push_out_another_count() {
        let (attempts, now) = (Attempts::new(2), Instant::now());
        for _ in 0..2 {
            assert!(attempts.count_at(now, address(1), "ann@x.org").is_ok());
        }
        for account in 0..CAPACITY * 2 {
            let _ = attempts.count_at(now, address(2), &account.to_string());
        }
        assert!(attempts.count_at(now, address(1), "ann@x.org").is_err());
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let mut counts = Counts::default();
        let now = Instant::now();
        for key in 0..u64::try_from(CAPACITY).unwrap() + 10 {
            assert!(counts.add(now, (key, 0), 1).is_ok());
        }
        assert!(counts.seen.len() <= CAPACITY && counts.order.len() <= CAPACITY);
        let newest = u64::try_from(CAPACITY).unwrap() + 9;
        assert!(!counts.seen.contains_key(&(0, 0)));
        assert!(counts.add(now, (newest, 0), 1).is_err(), "the newest count stays");
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let parsed = |text: &str| network(text.parse().unwrap());
        assert_eq!(parsed("2001:db8::1"), parsed("2001:db8::ffff:2"));
        assert_ne!(parsed("2001:db8::1"), parsed("2001:db8:0:1::1"));
        assert_eq!(parsed("::ffff:10.0.0.1"), parsed("10.0.0.1"));
    }
}
