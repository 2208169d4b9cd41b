//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use model::time::Timestamp;

/// Can it be bought now, and when will it ship? Backorders and order promising for shops.
#[derive(Debug, Parser)]
#[command(name = "shipwhen", version, propagate_version = true, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Settings of every command; each can also be set as SHIPWHEN_* or in the configuration file.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where the data is: sqlite:DIR or postgres://USER@HOST/DATABASE [default: sqlite:shipwhen-data]
    #[arg(long, global = true, env = "SHIPWHEN_STORE")]
    pub(crate) store: Option<String>,
    /// Which merchant; not needed where there is one
    #[arg(long, global = true, env = "SHIPWHEN_TENANT")]
    pub(crate) tenant: Option<String>,
    /// A TOML file with store, tenant, listen, public_url, smtp_url, mail_from, stripe_key,
    /// stripe_url, stripe_webhook_secret,
    /// stripe_publishable_key, allow_private_webhooks, lanes, test_clock, currency, log
    #[arg(long, global = true, env = "SHIPWHEN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a sample shop on this machine: nothing to set up, nothing to lose. It lies apart from every store and goes away with
    /// the command
    #[command(after_help = "Examples:\n  shipwhen demo\n  shipwhen demo --listen 127.0.0.1:0 --seed 7")]
    Demo(DemoArgs),
    /// Serve the API
    #[command(
        after_help = "Examples:\n  shipwhen serve\n  shipwhen serve --store sqlite:/var/lib/shipwhen --listen 0.0.0.0:8080\n  shipwhen serve --listen 127.0.0.1:0 --test-clock"
    )]
    Serve(ServeArgs),
    /// Take in a table: CSV, or CSV packed with gzip
    #[command(
        after_help = "Kinds:\n  shopify-products, shopify-inventory, woocommerce-products, skus, stock, supplies, orders, online-retail\n\nExamples:\n  shipwhen import shopify-products products_export.csv --dry-run\n  shipwhen import stock stock.csv --json\n\nBad rows are named by number and reason, good rows go in; the same file twice goes in once.\nExit status 0 with bad rows, 1 with --strict."
    )]
    Import(ImportArgs),
    /// Write a table to stdout, as import takes it
    #[command(
        after_help = "Kinds:\n  skus, stock, supplies, orders\n\nExample:\n  shipwhen export stock > stock.csv"
    )]
    Export(ExportArgs),
    /// Replay the ledger, compare every table, check every invariant
    #[command(after_help = "Example:\n  shipwhen verify --store sqlite:shipwhen-data --json")]
    Verify,
    /// API keys
    #[command(
        after_help = "Examples:\n  shipwhen keys create --tenant acme --scopes '*'\n  shipwhen keys create --tenant acme --publishable --json"
    )]
    Keys(KeysArgs),
    /// How to sell what is out: backorder, preorder, waitlist or out of stock, and what each earns
    #[command(
        after_help = "Examples:\n  shipwhen advise\n  shipwhen advise --sku MUG-RED --set accept_backorder=0.5\n  shipwhen advise --csv skus.csv --json\n\nColumns of the table: sku, price, unit_cost, category, on_hand, inbound_units, wait_days, lead_time_days, days_watched, units_asked, and the name of any figure, such as demand_per_day.\nNothing is changed."
    )]
    Advise(AdviseArgs),
    /// What to order, when, from whom, and what that earns
    #[command(
        after_help = "Examples:\n  shipwhen plan\n  shipwhen plan --supplier Pine --draft > order.csv\n  shipwhen plan --cash-max 5000 --json\n\nNothing is ordered."
    )]
    Plan(PlanArgs),
    /// Run the shop ahead under two or more policies, on the same customers and suppliers
    #[command(
        after_help = "Examples:\n  shipwhen simulate\n  shipwhen simulate --sku MUG-RED --policy current --policy cap=20 --policy waitlist\n  shipwhen simulate --slip 7 --demand 2 --reorder 5:20:14 --json\n\nThe same seed gives the same answer on any number of threads. Nothing is changed."
    )]
    Simulate(SimulateArgs),
    /// People who sign in to the shop's pages
    #[command(
        after_help = "Examples:\n  shipwhen users create ada@example.com --name Ada\n  shipwhen users create grace@example.com --role support --json\n\nPrints a link that works once, for three days: whoever opens it chooses a password. The same command makes a new link for somebody who forgot theirs."
    )]
    Users(UsersArgs),
    /// Work one formula, to check our maths
    #[command(
        after_help = "Examples:\n  shipwhen calc --list\n  shipwhen calc eoq '{\"fixed_cost\": 8, \"holding_cost\": 0.225, \"demand_rate\": 1300}'\n  shipwhen calc atp input.json\n  cat input.json | shipwhen calc atp -\n  shipwhen calc legal_clock '{\"jurisdiction\": \"US\", \"ordered_at\": \"2026-11-02T15:00:00Z\", \"zone\": \"America/New_York\", \"asked_at\": \"2026-11-20T15:00:00Z\"}'\n  shipwhen calc intermittent_accuracy '{\"data\": \"demand.csv.gz\", \"horizon\": 6}'"
    )]
    Calc(CalcArgs),
    /// Write a consistent copy of the store to a file, also while it is served
    #[command(after_help = "Example:\n  shipwhen backup shop.backup")]
    Backup(FileArgs),
    /// Make a store from a backup; the store must not exist yet
    #[command(after_help = "Example:\n  shipwhen restore shop.backup --store sqlite:restored")]
    Restore(FileArgs),
    /// Copy everything of one store into a new one of another kind, and check both
    #[command(
        after_help = "Examples:\n  shipwhen move --from sqlite:shipwhen-data --to postgres://shipwhen@db.internal/shipwhen\n  shipwhen move --from postgres://shipwhen@db.internal/shipwhen --to sqlite:shipwhen-data\n\nStop every server on the source first. The source is not changed. Whatever interrupts it: run it again, it goes on."
    )]
    Move(MoveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "SHIPWHEN_LISTEN")]
    pub(crate) listen: Option<String>,
    /// Which sample shop: the same number makes the same shop
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "SHIPWHEN_LISTEN")]
    pub(crate) listen: Option<String>,
    /// How to log to stderr: text, or json with a line for each request [default: text]
    #[arg(long, env = "SHIPWHEN_LOG", value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    /// Seconds to go on serving after SIGTERM while /readyz says 503, so that a load balancer looks elsewhere first [default: 0]
    #[arg(long, env = "SHIPWHEN_DRAIN_SECONDS", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=300))]
    pub(crate) drain_seconds: Option<u64>,
    /// Where people reach this server, for links in answers and mail [default: http:// and the address listened on]
    #[arg(long, env = "SHIPWHEN_PUBLIC_URL")]
    pub(crate) public_url: Option<String>,
    /// The mail server, smtp://USER:PASSWORD@HOST:587?tls=required; without one, mail lands in an outbox to look at
    #[arg(long, env = "SHIPWHEN_SMTP_URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<String>,
    /// Where mail comes from: 'Shop <orders@example.com>'
    #[arg(long, env = "SHIPWHEN_MAIL_FROM")]
    pub(crate) mail_from: Option<String>,
    /// Most connections to the mail server at once [default: 12]
    #[arg(long, env = "SHIPWHEN_SMTP_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) smtp_connections: Option<u32>,
    /// Stripe's secret key (sk_… or rk_…): with it, money of policies with `provider: stripe` is moved by itself
    #[arg(long, env = "SHIPWHEN_STRIPE_KEY", hide_env_values = true)]
    pub(crate) stripe_key: Option<String>,
    /// Where Stripe is, for tests against something that speaks like it [default: https://api.stripe.com]
    #[arg(long, env = "SHIPWHEN_STRIPE_URL")]
    pub(crate) stripe_url: Option<String>,
    /// The secret of the webhook endpoint at Stripe, whsec_…: its messages come to /v1/webhooks/stripe/TENANT
    #[arg(long, env = "SHIPWHEN_STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
    pub(crate) stripe_webhook_secret: Option<String>,
    /// Stripe's publishable key (pk_…): with it, customers pay and change their card on their order's page
    #[arg(long, env = "SHIPWHEN_STRIPE_PUBLISHABLE_KEY")]
    pub(crate) stripe_publishable_key: Option<String>,
    /// Let webhooks go to addresses inside this server's own network
    #[arg(long, env = "SHIPWHEN_ALLOW_PRIVATE_WEBHOOKS")]
    pub(crate) allow_private_webhooks: bool,
    /// On PostgreSQL, how many tenants' orders may be on their way to the database at once; each lane is a connection more
    /// [default: half as many as there are cores, one to four]
    #[arg(long, env = "SHIPWHEN_LANES", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) lanes: Option<u32>,
    /// Let each request set its own time with Shipwhen-Now, and run timers only when asked: for tests
    #[arg(long, env = "SHIPWHEN_TEST_CLOCK")]
    pub(crate) test_clock: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogForm {
    /// For people.
    Text,
    /// An object a line, for whoever collects logs.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Which table
    pub(crate) kind: String,
    /// The file, .csv or .csv.gz; - for standard input
    pub(crate) file: PathBuf,
    /// Read and check everything, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Exit with 1 if any row is bad
    #[arg(long)]
    pub(crate) strict: bool,
    /// Currency of prices in files that name none [default: USD]
    #[arg(long, env = "SHIPWHEN_CURRENCY")]
    pub(crate) currency: Option<String>,
    /// Location for stock in files that name none [default: the first there is, else `main`, made new]
    #[arg(long)]
    pub(crate) location: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Which table
    pub(crate) kind: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key, and the tenant if it is new; the key is shown this once
    Create {
        /// What it may do: *, or names such as orders:write, with commas between them
        #[arg(long, default_value = "*")]
        scopes: String,
        /// A key for a shop's pages (pk_) instead of one for its systems (sk_)
        #[arg(long)]
        publishable: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AdviseArgs {
    /// Only this SKU, with every number behind the answer
    #[arg(long)]
    pub(crate) sku: Option<String>,
    /// A table of SKUs instead of a store: CSV, or CSV packed with gzip
    #[arg(long)]
    pub(crate) csv: Option<PathBuf>,
    /// By the policy of this channel
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// A figure to take as given, such as accept_backorder=0.5; may stand more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = figure)]
    pub(crate) set: Vec<(String, f64)>,
}

/// Reads `name=value`.
fn figure(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let value = value.trim().parse().map_err(|_| format!("{value:?} is not a number"))?;
    Ok((name.trim().to_owned(), value))
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Only what is bought from this supplier
    #[arg(long)]
    pub(crate) supplier: Option<String>,
    /// Money for orders that are due now, in the currency's own unit
    #[arg(long)]
    pub(crate) cash_max: Option<f64>,
    /// A draft order as CSV
    #[arg(long)]
    pub(crate) draft: bool,
    /// Also SKUs of which nothing is to be ordered, and those of which nothing can be said
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Only this SKU; may stand more than once [default: all, up to the 500 most asked for]
    #[arg(long)]
    pub(crate) sku: Vec<String>,
    /// By the policy of this channel
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// A way to sell: current, advised, backorder, preorder, waitlist, refuse, cap=UNITS; may stand more than once [default: current and advised]
    #[arg(long)]
    pub(crate) policy: Vec<String>,
    /// Also: goods on their way come so many days later than their date says
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) slip: Option<f64>,
    /// Also: so many times the demand
    #[arg(long)]
    pub(crate) demand: Option<f64>,
    /// Order UNITS more when no more than AT are here or on order less what is owed; they take DAYS
    #[arg(long, value_name = "AT:UNITS:DAYS")]
    pub(crate) reorder: Option<String>,
    /// Cash to begin with, in the currency's own unit [default: 0]
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) cash: Option<f64>,
    /// Days ahead
    #[arg(long, default_value_t = 90.0)]
    pub(crate) days: f64,
    /// Replications
    #[arg(long, default_value_t = 200)]
    pub(crate) replications: usize,
    /// The same number gives the same answer, as of the same moment
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The moment from which the shop is run ahead, as 2026-11-01T00:00:00Z, after its last entry [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<Timestamp>,
    /// Threads [default: as many as there are]
    #[arg(long)]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct UsersArgs {
    #[command(subcommand)]
    pub(crate) command: UsersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Invite somebody, and make the tenant if it is new; prints the link
    Create {
        /// Their e-mail address
        email: String,
        /// What to call them
        #[arg(long, default_value = "")]
        name: String,
        /// owner, operations, support or partner
        #[arg(long, default_value = "owner")]
        role: String,
        /// Where a partner packs; give it once for each location
        #[arg(long)]
        location: Vec<String>,
        /// Where people reach the server [default: http://127.0.0.1:8080]
        #[arg(long, env = "SHIPWHEN_PUBLIC_URL")]
        public_url: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CalcArgs {
    /// Which formula
    #[arg(required_unless_present = "list")]
    pub(crate) capability: Option<String>,
    /// Its input: a file, - for standard input, or JSON
    #[arg(required_unless_present = "list")]
    pub(crate) input: Option<String>,
    /// Name every formula
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The store to copy: sqlite:DIR or postgres://USER@HOST/DATABASE
    #[arg(long, env = "SHIPWHEN_FROM", hide_env_values = true)]
    pub(crate) from: String,
    /// Where to, a new store: sqlite:DIR or postgres://USER@HOST/DATABASE
    #[arg(long, env = "SHIPWHEN_TO", hide_env_values = true)]
    pub(crate) to: String,
}

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The backup
    pub(crate) file: PathBuf,
}
