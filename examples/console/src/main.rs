//! `incident-console`: the incident library as a server.
//!
//! `incident-console` serves; `incident-console demo` serves a console that is full of incidents. Settings
//! come from the environment; all are optional.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use incident_axum::Tokens;
use incident_console::anchor_file::{self, AnchorFile};
use incident_console::causes::{self, At};
use incident_console::check_config;
use incident_console::cli::{self, Invocation};
use incident_console::config::Config;
use incident_console::console::{Console, ConsoleBuilder};
use incident_console::demo::Demo;
use incident_console::explanation;
use incident_console::file::{IMPORT_BYTES, read_text};
use incident_console::hooks;
use incident_console::import;
use incident_console::log::StderrLog;
use incident_console::maintenance::{self, Maintenance};
use incident_console::metrics::Metrics;
use incident_console::policy_check::{self, PolicyTask};
use incident_console::sessions;
use incident_console::signals::Signals;
use incident_console::statements::{self, SlaTask};
use incident_console::storage::Storage;
use incident_console::terminal::{self, line, lines};
use incident_core::actor::{Actor, Caller, Role};
use incident_core::engine::system::SystemClock;
use incident_core::incident::{Affected, AffectedTenant};
use incident_core::port::{AnchorRecord, Clock};
use incident_core::{Month, PersonName, TenantId, ValidationError};
use indicatif::ProgressBar;

/// Time for blocking work to end after everything else has ended.
const LEFT_OVER: Duration = Duration::from_millis(500);

/// Limit of connections below which it is printed at startup.
const MAX_PRINTED: usize = 256;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    let arguments: Vec<String> = arguments
        .map(|one| one.to_string_lossy().into_owned())
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match cli::read(&arguments) {
        Invocation::Print(text) => return say(&text, ExitCode::SUCCESS),
        Invocation::Unknown(text) => {
            let _ = lines(&mut std::io::stderr(), &text);
            return ExitCode::from(2);
        }
        Invocation::Serve => serve(false).map(|()| true),
        Invocation::Run("demo", _) => serve(true).map(|()| true),
        Invocation::Run("check-config", _) => check_config().map(|()| true),
        Invocation::Run("policy", arguments) => policy(arguments).map(|()| true),
        Invocation::Run("explain", arguments) => explain(arguments).map(|()| true),
        Invocation::Run("migrate", _) => maintain(Maintenance::Migrate),
        Invocation::Run("doctor", _) => maintain(Maintenance::Doctor),
        Invocation::Run("verify", _) => maintain(Maintenance::Verify),
        Invocation::Run("sign-out", arguments) => sign_out(arguments).map(|()| true),
        Invocation::Run("outages", arguments) => outages(arguments).map(|()| true),
        Invocation::Run("sla", arguments) => sla(arguments).map(|()| true),
        Invocation::Run(_, arguments) => import(arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // If the settings cannot be read, that is the error itself.
            let config = Config::of_process().ok();
            let database = config.and_then(|(config, _)| config.database);
            let told = causes::explain(&*error, database.as_ref());
            let _ = lines(&mut std::io::stderr(), &format!("incident-console: {told}"));
            ExitCode::FAILURE
        }
    }
}

/// Reads the settings for a command without logging: warnings are printed.
fn settings() -> Result<Config, Box<dyn Error>> {
    let (config, unknown) = Config::of_process()?;
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        let _ = line(
            &mut std::io::stderr(),
            format_args!(
                "incident-console: unknown settings in the environment: {names}; rename or unset them"
            ),
        );
    }
    Ok(config)
}

/// Prints what a server with these settings would use.
fn check_config() -> Result<(), Box<dyn Error>> {
    let found = check_config::lines(settings()?)?;
    lines(&mut std::io::stdout(), &found.join("\n"))?;
    Ok(())
}

/// Prints the timetables and flaws of a policy, or the policy that ships.
fn policy(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let out = &mut std::io::stdout();
    match policy_check::task(arguments)? {
        PolicyTask::Show => lines(out, policy_check::SHIPPED)?,
        PolicyTask::Check(query) => {
            let report = policy_check::report(&query, &settings()?, SystemClock.now())?;
            lines(out, &report)?;
        }
    }
    Ok(())
}

/// Prints for one incident why each escalation rule fired or did not.
#[tokio::main]
async fn explain(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [incident] = *arguments else {
        return Err("explain: expected the number or the id of an INCIDENT".into());
    };
    explanation::explain(incident, &settings()?, &mut std::io::stdout()).await
}

fn say(text: &str, code: ExitCode) -> ExitCode {
    let _ = lines(&mut std::io::stdout(), text);
    code
}

/// Prints the outages of a range of months, as a file for [`sla`].
#[tokio::main]
async fn outages(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let (first, last) = match *arguments {
        [month] => (month, month),
        [first, last] => (first, last),
        _ => return Err("outages: expected MONTH and optionally LAST".into()),
    };
    let month = |text: &str| -> Result<Month, String> {
        text.parse()
            .map_err(|error: ValidationError| error.to_string())
    };
    let (first, last) = (month(first)?, month(last)?);
    if last < first {
        return Err("outages: LAST must not be before MONTH".into());
    }
    let config = settings()?;
    let policy = config.policy_file()?;
    let database = config
        .database
        .ok_or("DATABASE_URL is required for this command")?;
    let engine = maintenance::reader(&database, &policy)?;
    let found = statements::export(&engine, first, last).await?;
    terminal::json(&mut std::io::stdout(), &found)?;
    Ok(())
}

/// Prints statements computed from a file.
fn sla(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let (file, month, as_table) = match *arguments {
        [file, month] => (file, month, false),
        [file, month, "--csv"] => (file, month, true),
        _ => return Err("sla: expected FILE, MONTH and optionally --csv".into()),
    };
    let config = settings()?;
    let contracts = config.policy_file()?.contracts();
    let task = SlaTask {
        file: Path::new(file),
        month: month
            .parse()
            .map_err(|error: ValidationError| error.to_string())?,
        as_table,
    };
    let now = SystemClock.now();
    statements::print(task, &contracts, now, &mut std::io::stdout().lock())
}

/// Imports the history of a status page. Returns whether all of the file was imported.
#[tokio::main]
async fn import(arguments: &[&str]) -> Result<bool, Box<dyn Error>> {
    let usage = "import: expected statuspage FILE and optionally --tenants NAME,... and --dry-run";
    let ["statuspage", file, ref options @ ..] = *arguments else {
        return Err(usage.into());
    };
    let dry_run = options.contains(&"--dry-run");
    let options: Vec<&str> = options
        .iter()
        .copied()
        .filter(|one| *one != "--dry-run")
        .collect();
    let named = match *options {
        [] => Affected::All,
        ["--tenants", names] => tenants(names)?,
        _ => return Err(usage.into()),
    };
    let config = settings()?;
    let policy = config.policy_file()?;
    let database = config.database.as_ref().filter(|_| !dry_run);
    let storage = match database {
        Some(database) => Storage::open(database, config.allow_unsafe).await?,
        None => Storage::default(),
    };
    let text =
        read_text(Path::new(file), IMPORT_BYTES).map_err(|error| format!("{file}: {error}"))?;
    let bar = ProgressBar::new(0);
    let mut progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let engine = storage.engine(&policy)?;
    // A trial run computes the credits of a single tenant; its name does not matter.
    let hit = match (database, named) {
        (None, Affected::All) => tenants("every tenant")?,
        (_, named) => named,
    };
    let now = SystemClock.now();
    let done = import::statuspage(&engine, &text, &hit, now, &mut progress)
        .await
        .map_err(|error| At::new(file, error))?;
    bar.finish_and_clear();
    let mut out = std::io::stdout();
    lines(&mut out, &done.to_string())?;
    if database.is_none() {
        if policy.has_sla() {
            lines(&mut out, &import::figures(&engine).await?.to_string())?;
        }
        let how = if dry_run {
            "a dry run"
        } else {
            "set DATABASE_URL to import"
        };
        line(&mut out, format_args!("nothing was stored: {how}"))?;
    }
    Ok(done.rejected.is_empty())
}

fn tenants(names: &str) -> Result<Affected, String> {
    let whole = |name: &str| Ok(AffectedTenant::whole(TenantId::new(name)?));
    let list = names
        .split(',')
        .map(whole)
        .collect::<Result<Vec<_>, ValidationError>>();
    let list = list.and_then(Affected::these);
    list.map_err(|error| format!("--tenants: expected {}", error.expected()))
}

#[tokio::main]
async fn maintain(task: Maintenance) -> Result<bool, Box<dyn Error>> {
    let config = settings()?;
    let policy = config.policy_file()?;
    let database = config
        .database
        .ok_or("DATABASE_URL is required for this command")?;
    let anchors = match &config.anchors {
        Some(path) if task == Maintenance::Verify => {
            Some(AnchorFile::open_to_read(path).map_err(|error| not_opened(path, &error))?)
        }
        _ => None,
    };
    let out = &mut std::io::stdout();
    maintenance::run(task, &database, &policy, anchors, out).await
}

/// Ends all sessions of a person.
#[tokio::main]
async fn sign_out(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [name] = *arguments else {
        return Err("sign-out: expected the NAME of a person".into());
    };
    let database = settings()?
        .database
        .ok_or("DATABASE_URL is required for this command")?;
    database.reach().await?;
    sessions::sign_out(name, database.pool(1), &mut std::io::stdout()).await
}

fn not_opened(path: &Path, error: &std::io::Error) -> String {
    format!("INCIDENT_ANCHORS: {}: {error}", path.display())
}

/// Serves until a signal arrives. Blocking work on other threads, such as a name look-up, does not
/// delay the exit.
fn serve(play: bool) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve_here(play));
    runtime.shutdown_timeout(LEFT_OVER);
    served
}

async fn serve_here(play: bool) -> Result<(), Box<dyn Error>> {
    let (config, unknown) = Config::of_process()?;
    let log = StderrLog::start(config.json_logs);
    if !unknown.is_empty() {
        tracing::warn!(
            names = unknown.join(", "),
            "unknown settings in the environment"
        );
    }
    let bind = config.bind.clone();
    let demo = play.then(Demo::default);
    let Prepared {
        builder,
        startup_lines,
        made_token,
    } = prepare(config, demo.as_ref()).await?;
    let cannot_listen = |error| format!("INCIDENT_BIND {bind}: {error}");
    let addresses = bind.addresses().await.map_err(cannot_listen)?;
    let console = Console::start_on(builder, &addresses)
        .await
        .map_err(cannot_listen)?;
    // Caught from here on, so that a signal during the demo is not lost.
    let mut signals = Signals::catch()?;

    let mut out = std::io::stdout();
    for said in startup_lines {
        line(&mut out, format_args!("{said}"))?;
    }
    if console.connections < MAX_PRINTED {
        writeln!(
            out,
            "connections: at most {}, limited by the number of open files (ulimit -n)",
            console.connections
        )?;
    }
    if let Some(token) = &made_token {
        line(&mut out, format_args!("admin token for this run: {token}"))?;
    }
    line(
        &mut out,
        format_args!("listening on http://{}", console.address),
    )?;
    if let Some(demo) = &demo {
        let played = demo.play(&console.api).await?;
        let invitation = demo.invitation(console.address);
        lines(&mut out, &format!("\n{played}\n\n{invitation}"))?;
    }
    out.flush()?;
    tokio::select! {
        _ = signals.next() => {}
        () = log.report_dropped() => {}
    }
    tracing::info!("shutting down: finishing requests and pages in progress");
    tokio::select! {
        stopped = console.stop() => Ok(stopped?),
        code = signals.next() => {
            tracing::warn!("second signal: exiting now");
            drop(log);
            std::process::exit(code);
        }
    }
}

/// A console that is ready to start.
struct Prepared {
    builder: ConsoleBuilder,
    /// The lines to print at startup.
    startup_lines: Vec<String>,
    /// The admin token generated for this run, if none is configured.
    made_token: Option<String>,
}

/// Prepares a console. A demo pages no one, issues no credits and stores nothing.
async fn prepare(config: Config, demo: Option<&Demo>) -> Result<Prepared, Box<dyn Error>> {
    let left_out = demo.map_or_else(Vec::new, |_| Demo::left_out(&config));
    let mut config = match demo {
        Some(_) => Demo::muted(config),
        None => config,
    };
    let (policy, mut pagers) = match demo {
        Some(_) => (Demo::policy()?, Demo::pagers()?),
        None => {
            let policy = config.policy_file()?;
            let pagers = std::mem::take(&mut config.pagers).build(policy.paging())?;
            (policy, pagers)
        }
    };
    if let Some(rest) = &config.hooks.pagerduty_rest {
        pagers = pagers.checked_by(rest);
    }
    let escalations = config.escalations.build(policy.paging())?;
    let channel_line = config.channels.startup_line();
    let channels = vec![config.channels.build(config.external_url.as_ref())?];
    let billing_line = config.billing.startup_line();
    let billing = config.billing.build()?;
    let mut storage = match &config.database {
        Some(database) => Storage::open(database, config.allow_unsafe).await?,
        None => Storage::default(),
    };
    if let Some(address) = &config.usage {
        storage = storage.with_usage(address).await?;
    }
    let anchors = match &config.anchors {
        Some(path) => Some(AnchorFile::open(path).map_err(|error| not_opened(path, &error))?),
        None => None,
    };
    let mut tokens = config.tokens.unwrap_or_default();
    let visitor = match demo {
        Some(demo) => Some(demo.admit(&mut tokens)?),
        None => None,
    };
    let made_token = if tokens.is_empty() {
        Some(make_token(&mut tokens)?)
    } else {
        None
    };
    let mut startup_lines = storage.startup_lines.clone();
    startup_lines.extend(anchors.as_ref().map(anchor_line));
    startup_lines.extend(pagers.startup_lines);
    startup_lines.extend(hooks::startup_lines(&config.hooks).map(str::to_owned));
    startup_lines.push(channel_line);
    startup_lines.extend(billing_line);
    startup_lines.extend(left_out);
    let anchors = anchors.map(|file| Arc::new(file) as Arc<dyn AnchorRecord>);
    let builder = ConsoleBuilder {
        tokens,
        visitor,
        clock: demo.map(Demo::clock),
        external_url: config.external_url,
        trusted_proxies: config.trusted_proxies,
        storage,
        policy,
        pagers: pagers.current,
        retired_pagers: pagers.retired,
        page_checks: pagers.checks,
        escalations,
        channels,
        billing,
        anchors,
        hooks: config.hooks,
        metrics: Some(Metrics::install()?),
        ..ConsoleBuilder::default()
    };
    Ok(Prepared {
        builder,
        startup_lines,
        made_token,
    })
}

/// Returns the line about the anchor file; logs a warning if it is damaged.
fn anchor_line(anchors: &AnchorFile) -> String {
    if !anchors.damaged().is_empty() {
        tracing::warn!(lines = ?anchors.damaged(), "the anchor file has unreadable lines; run `incident-console verify` to list them");
    }
    anchor_file::startup_line(anchors.path())
}

/// Creates an admin token that is valid until this process exits.
fn make_token(tokens: &mut Tokens) -> Result<String, Box<dyn Error>> {
    let token = format!(
        "{}{}",
        uuid::Uuid::new_v4().simple(),
        uuid::Uuid::new_v4().simple()
    );
    tokens.insert(
        &token,
        Caller {
            actor: Actor::person(PersonName::new("admin")?),
            role: Role::Admin,
        },
    );
    Ok(token)
}
