//! What is remembered of the servers: in which order they are asked, where those that failed lately come last, and what the last test gave.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::dot::{Connecting, Link};
use super::endpoint::Endpoint;

/// How long a server comes last after its first failure: a lost packet must not matter for long.
const PENALTY_FIRST: Duration = Duration::from_secs(5);
/// Doublings of the penalty while it goes on failing; 5 s · 2⁶ is a good five minutes.
const DOUBLINGS_AT_MOST: u32 = 6;

/// The servers and what is remembered of them.
pub(super) struct Servers(Mutex<Vec<Server>>);

struct Server {
    endpoint: Endpoint,
    /// The way to it over TLS, if that is how it is asked.
    link: Option<Arc<Link>>,
    /// Failures since the last reply.
    failures: u32,
    /// Until when it comes last.
    last_until: Option<Instant>,
    /// Whether it passed its last test (`self_test`), else why not; `None` before the first.
    verdict: Option<Result<(), String>>,
}

impl Server {
    fn comes_last(&self, now: Instant) -> bool {
        self.last_until.is_some_and(|until| until > now) || matches!(self.verdict, Some(Err(_)))
    }
}

impl Servers {
    /// Those that prove themselves are connected to like this.
    pub(super) fn new(endpoints: &[Endpoint], how: &Connecting) -> Self {
        let link = |proof| Arc::new(Link::new(proof, how.clone()));
        let fresh = |endpoint: &Endpoint| Server {
            endpoint: endpoint.clone(),
            link: endpoint.proof.clone().map(link),
            failures: 0,
            last_until: None,
            verdict: None,
        };
        Self(Mutex::new(endpoints.iter().map(fresh).collect()))
    }

    /// All servers: those in order as configured, then those that failed lately, or failed their last test. None is ever given up.
    pub(super) fn in_order(&self, now: Instant) -> Vec<Endpoint> {
        let servers = self.lock();
        let (late, ready): (Vec<_>, Vec<_>) =
            servers.iter().partition(|server| server.comes_last(now));
        ready
            .iter()
            .chain(&late)
            .map(|server| server.endpoint.clone())
            .collect()
    }

    /// All servers as configured.
    pub(super) fn all(&self) -> Vec<Endpoint> {
        let servers = self.lock();
        servers
            .iter()
            .map(|server| server.endpoint.clone())
            .collect()
    }

    /// Ends connections that nobody needs any more.
    pub(super) fn close_idle(&self) {
        let links: Vec<_> = {
            let servers = self.lock();
            servers
                .iter()
                .filter_map(|server| server.link.clone())
                .collect()
        };
        links.iter().for_each(|link| link.close_idle());
    }

    /// Remembers that a server gave no usable reply.
    pub(super) fn failed(&self, endpoint: &Endpoint, now: Instant) {
        self.change(endpoint, |server| {
            let doublings = server.failures.min(DOUBLINGS_AT_MOST);
            server.failures = server.failures.saturating_add(1);
            server.last_until = Some(now + PENALTY_FIRST * (1 << doublings));
        });
    }

    /// Remembers that a server replied.
    pub(super) fn replied(&self, endpoint: &Endpoint) {
        self.change(endpoint, |server| {
            server.failures = 0;
            server.last_until = None;
        });
    }

    /// Remembers whether a server passed its test.
    pub(super) fn judged(&self, endpoint: &Endpoint, verdict: &Result<(), String>) {
        self.change(endpoint, |server| server.verdict = Some(verdict.clone()));
    }

    /// Whether a server passed its last test, else why not; `None` before the first.
    pub(super) fn verdict(&self, endpoint: &Endpoint) -> Option<Result<(), String>> {
        let servers = self.lock();
        let mut servers = servers.iter();
        let server = servers.find(|server| server.endpoint == *endpoint)?;
        server.verdict.clone()
    }

    /// The way to a server over TLS, if that is how it is asked.
    pub(super) fn link(&self, endpoint: &Endpoint) -> Option<Arc<Link>> {
        let servers = self.lock();
        let mut servers = servers.iter();
        let server = servers.find(|server| server.endpoint == *endpoint)?;
        server.link.clone()
    }

    /// Changes what is remembered of a server, which may be listed twice.
    fn change(&self, endpoint: &Endpoint, change: impl Fn(&mut Server)) {
        let mut servers = self.lock();
        let of_address = |server: &&mut Server| server.endpoint == *endpoint;
        servers.iter_mut().filter(of_address).for_each(change);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Server>> {
        // Every change is complete in one step, so a thread that panicked has left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolver::ValidationSettings;
    use crate::resolver::validator::Present;

    fn address(text: &str) -> Endpoint {
        Endpoint::parse(text).expect(text)
    }

    fn how() -> Connecting {
        Connecting {
            roots: None,
            proxy: None,
            validator: Arc::new(Present::new(&ValidationSettings::default())),
        }
    }

    fn assert_order(servers: &Servers, now: Instant, expected: &[&Endpoint]) {
        let found = servers.in_order(now);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn who_failed_comes_last_for_a_while() {
        let [a, b, c] = ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"].map(address);
        let servers = Servers::new(&[a.clone(), b.clone(), c.clone()], &how());
        let start = Instant::now();
        assert_order(&servers, start, &[&a, &b, &c]);
        servers.failed(&a, start);
        assert_order(&servers, start, &[&b, &c, &a]);
        assert_order(&servers, start + PENALTY_FIRST, &[&a, &b, &c]);
        servers.failed(&a, start);
        assert_order(&servers, start + PENALTY_FIRST, &[&b, &c, &a]);
        servers.failed(&b, start);
        servers.failed(&c, start);
        assert_order(&servers, start, &[&a, &b, &c]);
        servers.replied(&c);
        assert_order(&servers, start, &[&c, &a, &b]);
    }

    #[test]
    fn who_failed_the_test_comes_last_until_it_passes() {
        let [a, b] = ["127.0.0.1:1", "127.0.0.1:2"].map(address);
        let servers = Servers::new(&[a.clone(), b.clone()], &how());
        let start = Instant::now();
        assert_eq!(servers.verdict(&a), None);
        servers.judged(&a, &Err("no AD".to_owned()));
        // That it replies is not enough.
        servers.replied(&a);
        let much_later = start + Duration::from_secs(86_400);
        assert_order(&servers, much_later, &[&b, &a]);
        assert_eq!(servers.verdict(&a), Some(Err("no AD".to_owned())));
        servers.judged(&a, &Ok(()));
        assert_order(&servers, start, &[&a, &b]);
        assert_eq!(servers.verdict(&a), Some(Ok(())));
    }

    #[test]
    fn the_penalty_has_an_end() {
        let a = address("127.0.0.1:1");
        let b = address("127.0.0.1:2");
        let servers = Servers::new(&[a.clone(), b.clone()], &how());
        let start = Instant::now();
        for _ in 0..100 {
            servers.failed(&a, start);
        }
        let longest = PENALTY_FIRST * (1 << DOUBLINGS_AT_MOST);
        assert_order(&servers, start + longest - PENALTY_FIRST, &[&b, &a]);
        assert_order(&servers, start + longest, &[&a, &b]);
    }
}
