//! A certificate for the test server that nobody else trusts.

use std::sync::Arc;

use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A key pair for `localhost` and 127.0.0.1.
pub(super) struct Identity {
    pub acceptor: TlsAcceptor,
    pub certificate_pem: String,
}

impl Identity {
    pub fn generate() -> Self {
        let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate for localhost can be made");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        // The provider is named, so that a test need not install one for its whole process.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key))
            .expect("the certificate fits its key");
        Self { acceptor: Arc::new(config).into(), certificate_pem: made.cert.pem() }
    }
}
