//! Every variable of the environment that a server reads, in the order in which `docs/settings.md` shows them.

use std::time::Duration;

use super::Unset::{ByEnvironment, Otherwise, Value};
use super::{Setting, Takes, Unset};

macro_rules! table {
    ($($group:literal { $($name:ident: $takes:expr, $unset:expr, $meaning:literal;)* })*) => {
        $($(
            pub static $name: Setting =
                Setting { name: stringify!($name), group: $group, takes: $takes, unset: $unset, meaning: $meaning };
        )*)*
        pub static ALL: &[&Setting] = &[$($(&$name,)*)*];
    };
}

const NONE: Unset = Otherwise("none");

const fn number(unit: &'static str, least: u32, most: u32) -> Takes {
    Takes::Number { unit, least, most }
}

/// Below the time of a request, which ends with a worse answer.
const STATEMENT: Takes = Takes::Time { least: Duration::from_millis(1), most: Duration::from_secs(29) };
const POSTGRES: Takes = Takes::Secret("an address like `postgres://user:password@host/database`");
const ADDRESS: Takes = Takes::Text("an address and a port, like `127.0.0.1:4000` or `0.0.0.0:8080`");
const RATE: Takes = Takes::Text("`off`, or 1 to 1000000 in an `s`, `min` or `h`, like `600/min`");
const SECRET: Takes = Takes::Secret("32 random bytes or more: what `openssl rand -base64 32` prints");

table! {
    "The server" {
        TYPECASE_ENV: Takes::OneOf(&["production", "development"]), Value("production"),
            "`development` serves GraphiQL and needs no secret.";
        TYPECASE_ADDRESS: ADDRESS, Value("127.0.0.1:4000"), "Where to listen.";
        PORT: number("", 1, 65_535), NONE, "The port to listen on, on all addresses of IPv4, if `TYPECASE_ADDRESS` is not set.";
        TYPECASE_HEALTH_ADDRESS: ADDRESS, Otherwise("they are answered beside the rest"),
            "Where `/health` and `/ready` are answered besides, and nothing else.";
        TYPECASE_METRICS_ADDRESS: ADDRESS, Otherwise("nowhere"),
            "Where `/metrics` is answered for Prometheus, and nothing else; not for the public (`docs/operations.md`).";
        TYPECASE_PUBLIC_URL: Takes::Text("scheme, host and port, like `https://shop.example`"),
            Otherwise("`http://` and `TYPECASE_ADDRESS`"),
            "Where the site is known: in tokens, in links of mails, and for cookies.";
        TYPECASE_SECRET: SECRET, Otherwise("required in production"),
            "Seals keys in the database; the same for every node.";
        TYPECASE_SECRET_PREVIOUS: SECRET, NONE,
            "What it sealed can still be opened, and nothing new is sealed with it (`docs/auth.md`).";
        TYPECASE_DEV_TOKEN: Takes::Secret("16 characters or more, none of them a space"), NONE,
            "Its holder is an administrator; refused in production.";
        RUST_LOG: Takes::Text("directives of tracing, like `warn` or `info,sqlx=debug`"), Value("info,sqlx=warn,hyper=warn"),
            "What is logged.";
        TYPECASE_LOG: Takes::OneOf(&["text", "json"]), Value("text"), "How the log is written: as lines to read, or as a JSON object a line.";
        SSL_CERT_FILE: Takes::Text("a file of certificates (PEM)"), Otherwise("those of the system"),
            "Whom TLS to other providers, the mail server, Redis and a collector of traces trusts.";
    }
    "Traces" {
        OTEL_EXPORTER_OTLP_ENDPOINT: Takes::Text("an address like `http://collector:4318` or `https://otlp.example`, to which `/v1/traces` is added"),
            Otherwise("nothing is traced"),
            "Where traces are sent, as OTLP over HTTP (`docs/operations.md`); needs a server with the feature `otlp`.";
        OTEL_EXPORTER_OTLP_HEADERS: Takes::Secret("`name=value` with commas between them, where `%20` stands for a space"), NONE,
            "Headers that are sent with them, such as a key.";
        OTEL_SERVICE_NAME: Takes::Text("a name"), Otherwise("the site's name"), "What the server is called in traces.";
        OTEL_TRACES_SAMPLER_ARG: Takes::Text("a number from `0` to `1`"), Value("1"),
            "The share of traces that are kept, of those that begin here; a request with a `traceparent` is traced as that says.";
    }
    "The database" {
        DATABASE_URL: POSTGRES, Otherwise("required; in development a private one"),
            "PostgreSQL, 14 or newer.";
        TYPECASE_READ_CONNECTIONS: number("connections", 1, 1000), Value("10"),
            "For reads of who has signed in, and for the look-up of tokens.";
        TYPECASE_WRITE_CONNECTIONS: number("connections", 2, 1000), Value("5"),
            "For writes, sign-in and accounts.";
        TYPECASE_PUBLIC_CONNECTIONS: number("connections", 1, 1000), Value("10"),
            "For reads of anonymous visitors.";
        TYPECASE_STATEMENT_TIMEOUT: STATEMENT, Value("10s"), "How long a statement may take.";
        TYPECASE_PUBLIC_STATEMENT_TIMEOUT: STATEMENT, Value("5s"), "The same for one of an anonymous visitor.";
        TYPECASE_SLOW_STATEMENT: Takes::Time { least: Duration::from_millis(1), most: Duration::from_secs(60) }, Value("1s"),
            "From which time on a statement is logged as slow, without its text and values.";
        TYPECASE_PUBLIC_ROLE: Takes::Text("a name of small letters, digits and `_`, or `none` for the server's own role"),
            Value("typecase_public"),
            "The role of PostgreSQL that anonymous reads run as (`docs/operations.md`).";
        TYPECASE_PUBLIC_DATABASE_URL: POSTGRES, Otherwise("they sign in as the server does"),
            "A login of their own for anonymous reads (`docs/operations.md`).";
    }
    "Events and jobs" {
        TYPECASE_JOBS: number("jobs", 0, 64), Value("2"),
            "Jobs at once on this node; with 0 it does none and follows no events (`docs/operations.md`).";
        TYPECASE_EVENTS_KEEP: number("days", 0, 3650), Value("7"), "For how long events are kept that all consumers have passed.";
    }
    "Rate limits and connections" {
        TYPECASE_RATE: RATE, ByEnvironment { production: "600/min", development: "off" },
            "Requests of an actor or address; a costly operation counts as several (`docs/operations.md`).";
        TYPECASE_SIGN_IN_RATE: RATE, ByEnvironment { production: "10/min", development: "off" },
            "Attempts to sign in.";
        REDIS_URL: Takes::Secret("an address like `redis://host:6379`, or `rediss://user:password@host:6379` for TLS"),
            Otherwise("each node counts for itself"),
            "Redis or Valkey, by which limits hold for all nodes together (`docs/operations.md`).";
        TYPECASE_REDIS_CA: Takes::Text("a file of certificates (PEM)"), Otherwise("those that `SSL_CERT_FILE` names"),
            "Whom TLS to Redis trusts, and nobody else.";
        TYPECASE_REDIS_CLUSTER: Takes::OneOf(&["on", "off"]), Value("off"),
            "Whether `REDIS_URL` leads to a cluster; then it may name several nodes, with commas between them.";
        TYPECASE_TRUSTED_PROXIES: Takes::Text("networks and addresses with commas between them, like `10.0.0.0/8`"), NONE,
            "Whose word about a client's address counts.";
        TYPECASE_FORWARDED_HEADER: Takes::OneOf(&["x-forwarded-for", "forwarded"]), Value("x-forwarded-for"),
            "The header that those proxies write it in.";
        TYPECASE_HTTP_CONNECTIONS: number("connections", 16, 1_000_000), Value("4096"),
            "Of clients; the system's limit of open files may leave fewer.";
        TYPECASE_HTTP_CONNECTIONS_PER_ADDRESS: number("connections", 1, 1_000_000), Value("1024"),
            "Of one address; at most `TYPECASE_HTTP_CONNECTIONS`.";
    }
    "Memory and time of requests" {
        TYPECASE_ANSWER_LIMIT: number("MiB", 1, 1024), Value("8"), "What one answer may hold.";
        TYPECASE_ANSWER_MEMORY: number("MiB", 4, 65_536), Value("48"),
            "What all answers may hold until they are sent; four times `TYPECASE_ANSWER_LIMIT` or more.";
        TYPECASE_ANSWER_TIME: number("seconds", 1, 3600), Value("20"),
            "How long a client may leave its answer unread.";
        TYPECASE_BODY_MEMORY: number("MiB", 8, 65_536), Value("32"), "What the bodies of all requests may hold.";
        TYPECASE_PLAN_MEMORY: number("MiB", 1, 65_536), Value("32"), "For documents that are kept ready to run.";
    }
    "Clients" {
        TYPECASE_CORS_ORIGINS: Takes::Text("`*`, `none`, or origins with commas between them, like `https://shop.example`"),
            Value("*"), "Pages that may read answers; with `*` without cookies.";
        TYPECASE_CORS_HEADERS: Takes::Text("`*`, or names of headers with commas between them"), NONE,
            "What those pages may send besides the headers of clients of GraphQL and of tracing.";
        TYPECASE_INTROSPECTION: Takes::OneOf(&["on", "signed-in", "off"]),
            ByEnvironment { production: "signed-in", development: "on" },
            "Who may ask for the types of the API.";
        TYPECASE_DOCUMENTS: Takes::Text("a manifest, or a folder of manifests and `.graphql` files"), NONE,
            "Documents that are asked by their id.";
        TYPECASE_DOCUMENTS_MODE: Takes::OneOf(&["only", "also"]),
            ByEnvironment { production: "only", development: "also" },
            "Whether only those documents are answered, if there are some.";
    }
    "Mail" {
        TYPECASE_SMTP_URL: Takes::Secret("`smtps://user:password@host`, or `smtp://host:587?tls=required`"),
            Otherwise("no mail: links of invitations are shown to who makes them"),
            "The mail server.";
        TYPECASE_MAIL_FROM: Takes::Text("an address like `Shop <shop@example.com>`"),
            Otherwise("required with `TYPECASE_SMTP_URL`"), "Who mail is from.";
    }
    "Sign-in with other providers" {
        TYPECASE_OIDC: Takes::Text("names with commas between them: 1 to 32 small letters and digits each"), NONE,
            "Providers of OpenID Connect (`docs/auth.md`); each has the following, where `NAME` is its name in capitals.";
        TYPECASE_OIDC_NAME_ISSUER: Takes::Text("an address with `https`, without `?` and `#`; `http` on this machine only"),
            Otherwise("required"), "As the provider writes itself, to the last slash.";
        TYPECASE_OIDC_NAME_CLIENT_ID: Takes::Text("a text"), Otherwise("required"), "What the provider calls this site.";
        TYPECASE_OIDC_NAME_CLIENT_SECRET: Takes::Secret("a text"), Otherwise("a public client"),
            "By which the provider knows this site.";
        TYPECASE_OIDC_NAME_SCOPES: Takes::Text("words with spaces between them"), Value("openid email profile"),
            "What is asked for.";
        TYPECASE_OIDC_NAME_ROLE: Takes::Text("a role of the schema"),
            Otherwise("they are refused, unless an account has their address"),
            "The role of who comes for the first time.";
        TYPECASE_OIDC_NAME_ROLE_CLAIM: Takes::Text("a claim, with the steps to it: `groups`, `realm_access.roles`"), NONE,
            "Lists somebody's groups.";
        TYPECASE_OIDC_NAME_ROLES: Takes::Text("`group=role` with commas between them"), NONE,
            "The first group that somebody is in gives their role at each sign-in; who is in none has that of `ROLE`, or is refused.";
        TYPECASE_OIDC_NAME_LINK: Takes::OneOf(&["on", "off"]), Value("on"),
            "Whether an account that is there is opened by its address, if the provider has verified it.";
    }
}
