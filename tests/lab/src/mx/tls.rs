//! TLS contexts of MX hosts, good and bad.

use openssl::ssl::{SniError, SslAlert, SslContext, SslContextBuilder, SslMethod, SslVersion};

use super::behaviour::{Behaviour, TlsMode};
use crate::certificate::Certificate;

/// Everything OpenSSL can still do, so that only the mode decides what is offered.
const EVERYTHING: &str = "ALL:@SECLEVEL=0";
/// Cipher suites without authentication; they end with TLS 1.2.
const ANONYMOUS: &str = "aNULL:!eNULL:@SECLEVEL=0";

/// The context a server that behaves like this accepts connections with; `own` is its certificate unless it is to present another.
pub(super) fn context(behaviour: &Behaviour, own: &Certificate) -> SslContext {
    let mode = behaviour.tls;
    let first = behaviour.certificate.as_ref().unwrap_or(own);
    let certificates = [Some(first), behaviour.other_certificate.as_ref()];
    let mut builder = SslContext::builder(SslMethod::tls_server()).expect("OpenSSL makes contexts");
    builder.set_cipher_list(EVERYTHING).expect("cipher suites");
    builder
        .set_min_proto_version(Some(SslVersion::TLS1_2))
        .expect("a version");
    match mode {
        TlsMode::Modern => {}
        TlsMode::Tls12Only => at_most(&mut builder, SslVersion::TLS1_2),
        TlsMode::Tls11Only => at_most(&mut builder, SslVersion::TLS1_1),
        TlsMode::AnonymousOnly => {
            at_most(&mut builder, SslVersion::TLS1_2);
            builder.set_cipher_list(ANONYMOUS).expect("cipher suites");
        }
        TlsMode::UnrecognizedNameFatal => reject_names(&mut builder, SniError::ALERT_FATAL),
        TlsMode::UnrecognizedNameWarning => reject_names(&mut builder, SniError::ALERT_WARNING),
    }
    let certificates = certificates.into_iter().flatten();
    for certificate in certificates.filter(|_| mode != TlsMode::AnonymousOnly) {
        builder
            .set_certificate(&certificate.leaf)
            .expect("a certificate");
        builder
            .set_private_key(&certificate.key)
            .expect("its private key");
        for above in &certificate.above {
            builder
                .add_extra_chain_cert(above.clone())
                .expect("a certificate above");
        }
    }
    builder.build()
}

fn at_most(builder: &mut SslContextBuilder, version: SslVersion) {
    builder
        .set_min_proto_version(Some(version))
        .expect("a version");
    builder
        .set_max_proto_version(Some(version))
        .expect("a version");
}

fn reject_names(builder: &mut SslContextBuilder, verdict: SniError) {
    builder.set_servername_callback(move |_, alert| {
        *alert = SslAlert::UNRECOGNIZED_NAME;
        Err(verdict)
    });
}
