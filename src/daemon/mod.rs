//! Runs the gateway: start order, signals, reload and shutdown.
//!
//! The order of the start is what it is for reasons: signals are blocked before the first thread, so that no thread can be killed by
//! one; listeners are bound and the spool is made while root's rights are there, and everything that reads what strangers sent runs without
//! them; deliveries start before clients are let in, so that what was accepted before a crash goes first.
//!
//! next: `src/inbound/listener.rs`
#![forbid(unsafe_code)]

mod foresight;
mod privileges;

use std::fmt;
use std::io;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, ConfigError};
use crate::filter::Chain;
use crate::inbound::recipient::Foresee;
use crate::inbound::{self, Inbound};
use crate::log;
use crate::outbound::{self, Forecast, Outbound};
use crate::queue::{Fault, Queue, SpoolError};
use crate::resolver::{Resolver, Waits};
use crate::sys::process;
use crate::sys::signal::{self, Signal};
use crate::time::Timestamp;

/// How long sessions may finish their command, and attempts their transaction, once the gateway is told to stop. A supervisor kills
/// after 10 (Docker) to 90 seconds (systemd); a kill loses nothing, but may deliver a message twice.
const GRACE: Duration = Duration::from_secs(4);

/// Files a worker may have open at once: the connection to the host, a DNS socket, a segment of the queue.
const FILES_PER_WORKER: usize = 3;
/// Files for everything else: listeners, the spool, standard streams.
const OTHER_FILES: usize = 64;

/// Ports below this are root's on a Linux machine that nobody told otherwise (ip_unprivileged_port_start).
const PRIVILEGED_PORTS: u16 = 1024;

/// Why the gateway does not run: one line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The configuration cannot run here (sysexits.h 78).
    Configuration(String),
    /// The system refused something (71).
    System(String),
    /// Something else is in the way for now: the spool or an address is in use (75).
    Busy(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(text) | Self::System(text) | Self::Busy(text) => f.write_str(text),
        }
    }
}

impl From<SpoolError> for StartError {
    fn from(error: SpoolError) -> Self {
        match error.fault {
            Fault::Locked | Fault::Full => Self::Busy(error.to_string()),
            _ => Self::System(error.to_string()),
        }
    }
}

/// Runs until SIGTERM or SIGINT; SIGHUP reads the configuration again with `reread`.
///
/// # Errors
/// [`StartError`] when it cannot run. Once it runs, nothing but a signal ends it.
pub fn serve(
    config: Config,
    reread: impl Fn() -> Result<Config, ConfigError>,
) -> Result<(), StartError> {
    log_panics();
    process::return_large_buffers();
    let signals = signal::block().map_err(refused("block signals"))?;
    // A resolver that cannot be had must be known before anything is touched.
    let services = Services::build(&config, None)?;
    raise_open_files(&config);
    let inbound = bind(&config)?;
    privileges::give_up(&config)?;
    warn(&config);
    let queue = Arc::new(Queue::open(config.queue.clone())?);
    let gateway = Gateway::start(config, services, queue, inbound)?;
    gateway.supervise(&signals, reread)
}

fn refused(step: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::System(format!("cannot {step}: {error}"))
}

/// A thread that fails must leave one line in the log, not several beside it.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        log::error(format_args!("internal error, please report it: {panic}"));
    }));
}

fn raise_open_files(config: &Config) {
    let sessions = config.inbound.session_limit;
    let workers = config.outbound.workers.saturating_mul(FILES_PER_WORKER);
    let needed = sessions + workers + outbound::KEPT_MAX + OTHER_FILES;
    match process::raise_open_files() {
        Ok(limit) if limit < needed as u64 => log::warning(format_args!(
            "this process may open {limit} files, session-limit, workers and idle connections together need {needed}: raise the limit (ulimit -n, LimitNOFILE)"
        )),
        Ok(_) => {}
        Err(error) => log::warning(format_args!(
            "cannot raise the number of open files: {error}"
        )),
    }
}

fn bind(config: &Config) -> Result<Inbound, StartError> {
    Inbound::bind(config.inbound.clone()).map_err(|(address, error)| {
        let text = format!("cannot listen on {address}: {error}");
        match error.kind() {
            io::ErrorKind::AddrInUse => StartError::Busy(text),
            io::ErrorKind::AddrNotAvailable => {
                StartError::Configuration(format!("{text}; this machine has no such address"))
            }
            io::ErrorKind::PermissionDenied if address.port() < PRIVILEGED_PORTS => {
                StartError::System(format!(
                    "{text}; ports below {PRIVILEGED_PORTS} need root or CAP_NET_BIND_SERVICE"
                ))
            }
            _ => StartError::System(text),
        }
    })
}

/// Says what works, but not as it should.
fn warn(config: &Config) {
    let hostname = config.inbound.hostname.as_str();
    if !hostname.contains('.') {
        log::warning(format_args!(
            "hostname '{hostname}' is not fully qualified; many servers refuse it in EHLO: set the directive 'hostname'"
        ));
    }
    for warning in config.warnings(Timestamp::now()) {
        log::warning(warning);
    }
}

/// What is built anew from each configuration.
struct Services {
    resolver: Arc<Resolver>,
    filters: Arc<Chain>,
}

impl Services {
    /// Builds what differs from the running ones; a resolver of the same settings keeps its cache and its packet file.
    fn build(config: &Config, running: Option<(&Config, &Self)>) -> Result<Self, StartError> {
        let same = running.filter(|(old, _)| old.resolver == config.resolver);
        let resolver = match same {
            Some((_, services)) => Arc::clone(&services.resolver),
            None => resolver(config)?,
        };
        let filters = Chain::new(&config.filters);
        let filters = filters.map_err(|error| StartError::Configuration(error.0))?;
        Ok(Self {
            resolver,
            filters: Arc::new(filters),
        })
    }

    fn for_sessions(&self, config: &Config, queue: &Arc<Queue>) -> inbound::Services {
        inbound::Services {
            filters: Arc::clone(&self.filters),
            queue: Arc::clone(queue),
            foresight: config.refuse_at_rcpt.then(|| self.foresight(config)),
        }
    }

    /// With the resolver of deliveries, which so find answers that are known already.
    fn foresight(&self, config: &Config) -> Arc<dyn Foresee> {
        Arc::new(Forecast::new(
            config.outbound.clone(),
            Arc::<Resolver>::clone(&self.resolver),
            config.resolver.dnssec,
        ))
    }
}

fn resolver(config: &Config) -> Result<Arc<Resolver>, StartError> {
    let settings = &config.resolver;
    match settings.check().and_then(|()| Resolver::new(settings)) {
        Ok(resolver) => Ok(Arc::new(resolver)),
        Err(error) => Err(StartError::Configuration(error.to_string())),
    }
}

/// The running rooms.
struct Gateway {
    /// What the gateway was started with: the directives that need a restart stay as they are here.
    started: Config,
    /// The configuration in force.
    config: Config,
    services: Services,
    queue: Arc<Queue>,
    outbound: Outbound,
    inbound: inbound::Running,
}

impl Gateway {
    fn start(
        mut config: Config,
        services: Services,
        queue: Arc<Queue>,
        inbound: Inbound,
    ) -> Result<Self, StartError> {
        let addresses = inbound.addresses();
        config.outbound.own_addresses.clone_from(&addresses);
        let outbound = Outbound::start(
            config.outbound.clone(),
            Arc::clone(&queue),
            Arc::<Resolver>::clone(&services.resolver),
        );
        let outbound = outbound.map_err(refused("start the scheduler's thread"))?;
        let watch = services.resolver.watch(Waits::default());
        watch.map_err(refused("start the thread that tests resolvers"))?;
        let inbound = inbound.start(services.for_sessions(&config, &queue));
        let inbound = inbound.map_err(refused("start the listeners' threads"))?;
        for address in addresses {
            log::info(format_args!("listening on {address}"));
        }
        log::info(format_args!(
            "ready; messages in the queue: {}",
            queue.len()
        ));
        Ok(Self {
            started: config.clone(),
            config,
            services,
            queue,
            outbound,
            inbound,
        })
    }

    /// Obeys signals until one says stop.
    fn supervise(
        mut self,
        signals: &signal::Blocked,
        reread: impl Fn() -> Result<Config, ConfigError>,
    ) -> Result<(), StartError> {
        while signals.wait().map_err(refused("wait for signals"))? == Signal::Reload {
            let new = reread().map_err(|error| StartError::Configuration(error.0));
            if let Err(error) = new.and_then(|new| self.reload(new)) {
                log::error(format_args!(
                    "the configuration was not taken: {error}; the old one stays in force"
                ));
            }
        }
        log::info("stopping");
        self.inbound.stop(GRACE);
        self.outbound.stop(GRACE);
        log::info(format_args!(
            "stopped; messages in the queue: {}",
            self.queue.len()
        ));
        Ok(())
    }

    fn reload(&mut self, mut new: Config) -> Result<(), StartError> {
        let fixed = self.started.fixed_differences(&new);
        new.keep_spool(&self.started);
        let services = Services::build(&new, Some((&self.config, &self.services)))?;
        if !Arc::ptr_eq(&services.resolver, &self.services.resolver) {
            let watch = services.resolver.watch(Waits::default());
            watch.map_err(refused("start the thread that tests resolvers"))?;
        }
        for name in fixed {
            log::warning(format_args!("a new value of '{name}' takes a restart"));
        }
        new.inbound.listen.clone_from(&self.started.inbound.listen);
        let own = &self.started.outbound;
        new.outbound.own_addresses.clone_from(&own.own_addresses);
        new.outbound.workers = own.workers;
        log::set_level(new.log);
        log::set_addresses(new.log_addresses);
        self.inbound.reload(
            new.inbound.clone(),
            services.for_sessions(&new, &self.queue),
        );
        self.outbound.reload(
            new.outbound.clone(),
            Arc::<Resolver>::clone(&services.resolver),
        );
        self.services = services;
        self.config = new;
        warn(&self.config);
        log::info("the configuration was read again");
        Ok(())
    }
}
