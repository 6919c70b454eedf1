//! PostgreSQL over TLS, as with managed databases: the certificate is checked as the address specifies.

use std::net::SocketAddr;
use std::sync::Arc;

use runtime::testing::TestDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::client::{Site, command_with};
use crate::redis_server::Certificates;

/// What a PostgreSQL client sends before TLS begins.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A proxy in front of a database without TLS. It accepts only TLS connections, and ends with the test.
async fn with_tls(certificates: &Certificates, database: SocketAddr) -> SocketAddr {
    let chain = CertificateDer::pem_file_iter(certificates.file("node.pem")).expect("a certificate");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certificates.file("node.key")).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("they fit");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut request = [0; 8];
                client.read_exact(&mut request).await?;
                if request != SSL_REQUEST {
                    return Ok(());
                }
                client.write_all(b"S").await?;
                let mut client = acceptor.accept(client).await?;
                copy_bidirectional(&mut client, &mut TcpStream::connect(database).await?).await.map(drop)
            });
        }
    });
    address
}

fn database(db: &TestDb) -> SocketAddr {
    format!("{}:{}", db.options.get_host(), db.options.get_port()).parse().expect("an address")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_reached_with_tls_and_its_certificate_is_checked() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let db = TestDb::new().await;
    let way = with_tls(&certificates, database(&db)).await;
    let url = |certificates: &Certificates, mode: &str| {
        let authority = certificates.file("authority.pem");
        let url = db.url_by(way);
        let url = url.split('?').next().unwrap_or_default().to_owned();
        format!("{url}?sslmode={mode}&sslrootcert={}", authority.display())
    };
    for (mode, certificates, is_reached) in [
        ("verify-full", &certificates, true),
        ("require", &certificates, true),
        ("verify-full", &others, false),
        ("verify-ca", &others, false),
        ("disable", &certificates, false),
    ] {
        let url = url(certificates, mode);
        let migrated = tokio::task::block_in_place(|| command_with(&db, &[("DATABASE_URL", &url)], &["migrate"]));
        assert_eq!(migrated.status.success(), is_reached, "{mode}: {migrated:?}");
        let said = String::from_utf8_lossy(&migrated.stderr);
        assert!(is_reached || mode == "disable" || said.contains("certificate"), "{said}");
    }
    let url = url(&certificates, "verify-full");
    let site = Site::with(db, &[("DATABASE_URL", &url)]).await;
    assert_eq!(site.ask("{ products { totalCount } }").await["data"]["products"]["totalCount"], 0);
    site.stop().await;
}
