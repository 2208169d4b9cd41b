//! `shipwhen serve` and `shipwhen demo`.

use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context;
use connect::{
    smtp::{CONNECTIONS, Mailer},
    stripe::{self, Stripe},
    webhook::Sender,
};
use engine::Stamps;
use model::{id::TenantId, time::Timestamp};
use server::{App, hooks::Hooks, mail::Post, payments::Payments};
use tokio::{net::TcpListener, runtime::Runtime, time::MissedTickBehavior};

use crate::{
    cli::{DemoArgs, LogForm, ServeArgs},
    config::{Place, Settings, Usage},
    house::{House, now, stamps},
    keys, output,
    traces::Tracing,
};

pub(crate) const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
/// How often due timers are looked for, and changes by other processes noticed.
const TICK: Duration = Duration::from_millis(200);

/// Most lanes that nobody asked for.
const LANES_BY_ITSELF_MAX: usize = 4;

/// How often it is asked whether policies that follow the advice are to be looked at.
const ADVICE_TICK: Duration = Duration::from_secs(60);

/// Serves until told to stop.
pub(crate) fn serve(settings: &Settings, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    log(settings, args.log.unwrap_or(LogForm::Text));
    let house = House::open(settings)?;
    // Before anything that works beside it is made: the pool of connections to the mail server looks after itself there.
    let runtime = runtime()?;
    let _inside = runtime.enter();
    let app = Start {
        lanes: lanes(settings, args)?,
        tracing: Tracing::begin()?,
        drain: Duration::from_secs(args.drain_seconds.unwrap_or(0)),
        test_clock: args.test_clock || settings.file.test_clock.unwrap_or(false),
        demo: None,
        public_url: args.public_url.clone().or_else(|| settings.file.public_url.clone()),
        listen: listen(settings, args.listen.as_deref()),
        post: post(settings, args)?,
        payments: payments(settings, args)?,
        hooks: hooks(
            args.allow_private_webhooks || settings.file.allow_private_webhooks.unwrap_or(false),
            &stamps()?,
        ),
    };
    run(&runtime, &house, app, |_| {})
}

/// Serves a sample shop in a directory that goes away with it.
pub(crate) fn demo(settings: &Settings, args: &DemoArgs) -> anyhow::Result<ExitCode> {
    log(settings, LogForm::Text);
    let dir = tempfile::Builder::new()
        .prefix("shipwhen-demo-")
        .tempdir()
        .context("no place for the sample shop")?;
    let settings = &Settings {
        store: Place::Sqlite(dir.path().to_owned()),
        tenant: Some("demo".to_owned()),
        ..settings.clone()
    };
    let house = House::open(settings)?;
    let tenant = house.tenant_or_new(settings)?;
    let bar = output::progress(Some(1), "opening the sample shop");
    {
        let engine = house.engine()?;
        crate::demo::play(&engine, &stamps()?, &tenant.id, &tenant.salt, args.seed, now(), |done, of| {
            bar.set_length(u64::try_from(of).unwrap_or(0));
            bar.set_position(u64::try_from(done).unwrap_or(0));
        })?;
    }
    bar.finish_and_clear();
    let secret = keys::create(&*house.store, &tenant, &["*"], false)?;
    let publishable = keys::create(&*house.store, &tenant, &["*"], true)?;
    let start = Start {
        lanes: 1,
        tracing: Tracing::none(),
        drain: Duration::ZERO,
        test_clock: false,
        demo: Some(tenant.id.clone()),
        public_url: None,
        listen: listen(settings, args.listen.as_deref()),
        post: Post::Outbox,
        payments: Payments::default(),
        // Whoever tries it out does so on one machine.
        hooks: hooks(true, &stamps()?),
    };
    run(&runtime()?, &house, start, |url| {
        output::line(&format!("What we owe     {url}/"));
        output::line(&format!("The shop        {url}/shop"));
        output::line(&format!("Test outbox     {url}/outbox"));
        output::line(&format!("API, to try     {url}/docs"));
        output::line(&format!("Staff key       {secret}"));
        output::line(&format!("Publishable key {publishable}"));
        output::line("Everything is gone when this stops: Ctrl-C.");
    })
}

fn listen(settings: &Settings, given: Option<&str>) -> String {
    given.or(settings.file.listen.as_deref()).unwrap_or(LISTEN_DEFAULT).to_owned()
}

/// How many lanes the engine has: as many as somebody says, else by the cores there are. A store in a directory has one
/// writer.
fn lanes(settings: &Settings, args: &ServeArgs) -> anyhow::Result<usize> {
    let said = args.lanes.or(settings.file.lanes);
    match settings.store {
        Place::Sqlite(_) if said.is_some_and(|lanes| lanes > 1) => {
            let detail = "--lanes needs a store on PostgreSQL: one in a directory has one writer";
            Err(Usage(detail.to_owned()).into())
        }
        Place::Sqlite(_) => Ok(1),
        Place::Postgres(_) => Ok(match said {
            // The configuration file is not checked by the command line's limits.
            Some(lanes) => usize::try_from(lanes)?.clamp(1, engine::LANES_MAX),
            None => lanes_for(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)),
        }),
    }
}

/// Half the cores: the database, the clients' connections and the readers have work, too.
fn lanes_for(cores: usize) -> usize {
    (cores / 2).clamp(1, LANES_BY_ITSELF_MAX)
}

/// Where mail goes: to the server that is named, else into the outbox.
fn post(settings: &Settings, args: &ServeArgs) -> anyhow::Result<Post> {
    let Some(url) = args.smtp_url.as_ref().or(settings.file.smtp_url.as_ref()) else {
        return Ok(Post::Outbox);
    };
    let from = args.mail_from.as_ref().or(settings.file.mail_from.as_ref());
    let from =
        from.ok_or_else(|| Usage("--smtp-url needs --mail-from, the address mail comes from".to_owned()))?;
    let connections = args.smtp_connections.unwrap_or(CONNECTIONS);
    let mailer = Mailer::new(url, from, connections).map_err(|error| Usage(error.to_string()))?;
    Ok(Post::smtp(mailer, usize::try_from(connections)?))
}

/// Who moves money: Stripe, where its key is set.
fn payments(settings: &Settings, args: &ServeArgs) -> anyhow::Result<Payments> {
    let file = &settings.file;
    let secret = args.stripe_webhook_secret.as_ref().or(file.stripe_webhook_secret.as_ref());
    let Some(key) = args.stripe_key.as_ref().or(file.stripe_key.as_ref()) else {
        if secret.is_some() {
            let detail = "--stripe-webhook-secret needs --stripe-key: what Stripe tells is asked";
            return Err(Usage(detail.to_owned()).into());
        }
        return Ok(Payments::default());
    };
    let url = args.stripe_url.as_ref().or(file.stripe_url.as_ref()).map_or(stripe::URL, String::as_str);
    let stripe = Stripe::new(key, url, stripe::WAIT).map_err(|error| Usage(error.to_string()))?;
    let webhook_secret = secret.map(|secret| secret.as_str().into());
    let publishable = args.stripe_publishable_key.as_ref().or(file.stripe_publishable_key.as_ref());
    let publishable_key = publishable.map(|key| key.as_str().into());
    Ok(Payments { provider: Some(Arc::new(stripe)), webhook_secret, publishable_key })
}

/// What tells others of what happens. `private`: addresses inside our own network too.
fn hooks(private: bool, stamps: &Stamps) -> Hooks {
    let sender = Sender::new(private).inspect_err(|error| tracing::warn!(%error, "no webhooks are sent"));
    Hooks { sender: sender.ok(), private, node: stamps.next(now()).simple().to_string() }
}

struct Start {
    lanes: usize,
    tracing: Tracing,
    /// How long to go on serving once told to stop.
    drain: Duration,
    test_clock: bool,
    demo: Option<TenantId>,
    public_url: Option<String>,
    listen: String,
    post: Post,
    payments: Payments,
    hooks: Hooks,
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn run(runtime: &Runtime, house: &House, start: Start, ready: impl FnOnce(&str)) -> anyhow::Result<ExitCode> {
    let ending = start.tracing.ending();
    let app = App {
        engine: house.engine_in(start.lanes)?,
        stamps: stamps()?,
        clock: Arc::new(now as fn() -> Timestamp),
        test_clock: start.test_clock,
        demo: start.demo,
        post: start.post,
        payments: start.payments,
        hooks: start.hooks,
        views: server::views::Views::default(),
        traces: start.tracing.traces,
        secret: house.store.reader()?.secret()?,
        public_url: OnceLock::new(),
    };
    runtime.block_on(async {
        let listener = TcpListener::bind(&start.listen)
            .await
            .with_context(|| format!("cannot listen on {}", start.listen))?;
        let address = listener.local_addr()?;
        let url = start.public_url.unwrap_or_else(|| format!("http://{address}"));
        let _ = app.public_url.set(url.trim_end_matches('/').to_owned());
        let app = Arc::new(app);
        // Each lane by itself: what holds one up holds up no other's timers.
        let tickers = (0..app.engine.lanes())
            .map(|lane| (!app.test_clock).then(|| tokio::spawn(tick(Arc::clone(&app), lane))));
        let tickers: Vec<_> = tickers.collect();
        let postman = (!app.test_clock).then(|| tokio::spawn(server::mail::work(Arc::clone(&app), TICK)));
        let cashier = (!app.test_clock).then(|| tokio::spawn(server::payments::work(Arc::clone(&app), TICK)));
        let herald = (!app.test_clock).then(|| tokio::spawn(server::hooks::work(Arc::clone(&app), TICK)));
        let adviser =
            (!app.test_clock).then(|| tokio::spawn(server::automatic::work(Arc::clone(&app), ADVICE_TICK)));
        let counter = (!app.test_clock)
            .then(|| tokio::spawn(server::views::work(Arc::clone(&app), server::views::EVERY)));
        ready(app.url());
        output::line(&format!("listening on http://{address}"));
        let served = server::serve_draining(listener, Arc::clone(&app), start.drain, stop_signal()).await;
        let workers = tickers.into_iter().chain([postman, cashier, herald, adviser, counter]);
        for worker in workers.flatten() {
            worker.abort();
        }
        // What was counted and not written yet.
        if let Err(error) = server::views::write_down(&app, (app.clock)()).await {
            tracing::warn!(%error, "the last looks at badges were not written down");
        }
        served.context("the server stopped")
    })?;
    ending.end();
    Ok(ExitCode::SUCCESS)
}

/// Runs what is due in a lane, over and over.
async fn tick(app: Arc<App>, lane: usize) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.engine.run_due_in(lane, (app.clock)()).await {
            tracing::warn!(%error, "due timers could not be run; the next tick tries again");
        }
    }
}

/// Ends when the process is told to stop.
async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                tokio::select! {
                    _ = interrupted => {}
                    _ = terminated.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "only Ctrl-C stops this process");
                let _ = interrupted.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupted.await;
    }
}

/// Logs to stderr: what the file says, else warnings, and in JSON each request too.
fn log(settings: &Settings, form: LogForm) {
    let otherwise = match form {
        LogForm::Text => "warn",
        LogForm::Json => "info",
    };
    let filter = settings.file.log.as_deref().unwrap_or(otherwise);
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(otherwise));
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second logger in one process is refused; the first one stays.
    let _ = match form {
        LogForm::Text => logger.try_init(),
        LogForm::Json => logger.json().flatten_event(true).with_span_list(false).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::lanes_for;

    #[test]
    fn half_the_cores_have_a_lane_each_but_no_more_than_four() {
        assert_eq!([1, 2, 3, 4, 6, 8, 64].map(lanes_for), [1, 1, 1, 2, 3, 4, 4]);
    }
}
