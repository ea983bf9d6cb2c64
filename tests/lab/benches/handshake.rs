//! Handshakes a second with a server that DANE proves to be the right one, beside OpenSSL alone: once without proving anything, and once with
//! its own check of the path to a certificate that it was given and of the name. The same server, key and parameters, in turn, in one run.
//! What is counted is the CPU time of the client's side, the TCP connection included.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use gateway::dane;
use gateway::dns::Tlsa;
use gateway::net::tls::Hello;
use gateway::net::{Stream, TlsStream};
use gateway::outbound::Demand;
use gateway::smtp::Domain;
use gateway::time::{Deadline, Timestamp};
use gateway_lab::bench::{ROUNDS, in_turn};
use gateway_lab::{Certificate, CertificateSpec, KeyKind};
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslOptions, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;

const HOST: &str = "mx.d.test";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that makes handshakes, one after the other, until the process ends.
fn serve(certificate: &Certificate) -> SocketAddr {
    let mut builder = SslContext::builder(SslMethod::tls_server()).expect("a context");
    let chain = X509::stack_from_pem(certificate.chain_pem().as_bytes()).expect("certificates");
    let key = PKey::private_key_from_pem(certificate.key_pem().as_bytes()).expect("a key");
    let mut chain = chain.into_iter();
    let own = chain.next().expect("the server's own");
    builder.set_certificate(&own).expect("a certificate");
    builder.set_private_key(&key).expect("its key");
    for above in chain {
        builder.add_extra_chain_cert(above).expect("a CA");
    }
    // Nobody asks for them.
    builder.set_num_tickets(0).expect("a number");
    let context = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for socket in listener.incoming() {
            let socket = socket.expect("a connection");
            socket.set_nodelay(true).expect("a socket");
            let ssl = Ssl::new(&context).expect("a connection");
            let mut tls = ssl.accept(socket).expect("a handshake");
            // The client goes first; how it does is of no interest.
            let _ = std::io::Read::read(&mut tls, &mut [0]);
        }
    });
    address
}

/// As the gateway's; it proves nothing, or that the path leads to this certificate.
fn plain_context(anchor: Option<&Certificate>) -> SslContext {
    let mut builder = SslContext::builder(SslMethod::tls_client()).expect("a context");
    builder.set_verify(SslVerifyMode::NONE);
    if let Some(anchor) = anchor {
        let mut store = X509StoreBuilder::new().expect("a store");
        let certificate = X509::from_pem(anchor.pem().as_bytes()).expect("a certificate");
        store.add_cert(certificate).expect("a certificate");
        store
            .set_flags(X509VerifyFlags::PARTIAL_CHAIN)
            .expect("a flag");
        builder.set_cert_store(store.build());
        builder.set_verify(SslVerifyMode::PEER);
    }
    let version = builder.set_min_proto_version(Some(SslVersion::TLS1_2));
    version.expect("a version");
    builder.set_options(SslOptions::NO_TICKET);
    builder.build()
}

fn plain(context: &SslContext, address: SocketAddr) {
    let socket = TcpStream::connect(address).expect("connects");
    socket.set_nodelay(true).expect("a socket");
    let mut ssl = Ssl::new(context).expect("a connection");
    ssl.set_hostname(HOST).expect("a name");
    ssl.param_mut().set_host(HOST).expect("a name");
    let mut tls = ssl.connect(socket).expect("a handshake");
    tls.shutdown().expect("says goodbye");
}

fn proven(address: SocketAddr, demand: &Demand) {
    let stream = Stream::connect(address, Deadline::after(PATIENCE)).expect("connects");
    let hello = Hello {
        server_name: HOST,
        ..Hello::default()
    };
    let tls = TlsStream::connect(stream, &hello).expect("a handshake");
    let proof = demand.check(tls.chain(), Timestamp::now());
    assert!(proof.expect("the right server").matched().is_some());
    tls.close();
}

fn demand(record: Tlsa) -> Demand {
    Demand::Dane {
        plan: dane::plan(&[record]),
        references: vec![Domain::parse(HOST).expect("a name")],
        former: None,
    }
}

/// The server presents this; a record names `anchor`, which is the certificate itself or the CA above it.
fn row(what: &str, certificate: &Certificate, anchor: &Certificate, record: Tlsa) {
    let address = serve(certificate);
    let demand = demand(record);
    let contexts = [None, Some(anchor)].map(plain_context);
    let ours = &mut || proven(address, &demand);
    let [nothing, path] = contexts
        .each_ref()
        .map(|context| || plain(context, address));
    let (mut nothing, mut path) = (nothing, path);
    let measured = in_turn(&mut [ours, &mut nothing, &mut path]);
    let [ours, nothing, path] = [0, 1, 2].map(|place: usize| measured.rates[place]);
    let (beside, proving) = (measured.ratios[1], measured.ratios[2]);
    println!("{what:<28} {ours:>8.0} {nothing:>16.0} {beside:>6.2} {path:>16.0} {proving:>6.2}");
}

fn main() {
    println!(
        "TLS handshakes in a second of the client's CPU time (median of {ROUNDS} paired rounds)"
    );
    println!(
        "{:<28} {:>8} {:>16} {:>6} {:>16} {:>6}",
        "", "gateway", "OpenSSL, no proof", "ratio", "OpenSSL, path", "ratio"
    );
    for (name, key) in [("P-256", KeyKind::P256), ("RSA-2048", KeyKind::Rsa(2048))] {
        let spec = CertificateSpec::new(HOST).key(key);
        let own = spec.build();
        row(&format!("{name}, 3 1 1"), &own, &own, own.tlsa(1, 1));
        let authority = CertificateSpec::authority("ca.test").key(key).build();
        let below = spec.build_below(&authority).presenting(&[&authority]);
        let what = format!("{name}, 3 1 1, CA presented");
        row(&what, &below, &authority, below.tlsa(1, 1));
        let record = authority.record(2, 1, 1);
        row(&format!("{name}, 2 1 1"), &below, &authority, record);
    }
}
