//! Mints with one `Minter`: many times, then many at once. Takes [`Work`] on standard
//! input, prints [`Seen`].

use std::{
    error::Error,
    fs,
    io::stdin,
    sync::Arc,
    time::{Duration, Instant},
};

use tailmint::connection::Trust;
use tailmint::policy::Policy;
use tailmint::{Account, Credential, KeyProperties, MintedKey, Minter, Secret, Tag};
use tailmint_audit::{Audit, AuditError, Entry};
use tailmint_benchmark::task::{Client, Seen, Work};

/// So many mints are made before memory is looked at: pools and caches are full then.
const WARM: usize = 100;

/// What an audit in a service does, without its disk.
struct Counted(std::sync::atomic::AtomicUsize);

impl Audit for Counted {
    fn append(&self, _: &Entry<'_>) -> Result<(), AuditError> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

/// A client as the library takes it.
struct Task {
    client: Client,
    account: Account,
    tag: Tag,
}

impl Task {
    fn of(client: &Client) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            account: Account::new(Credential::OauthClient {
                id: client.id.clone(),
                secret: Secret::new(client.secret.clone()),
            }),
            tag: client.tag.parse()?,
            client: client.clone(),
        })
    }

    /// Mints once; what comes back has to be what was asked for.
    async fn mint(&self, minter: &Minter, mint: usize) -> Result<(), String> {
        let description = self.client.description(mint);
        let mut properties = KeyProperties::for_tags(vec![self.tag.clone()]);
        properties.description = Some(description.parse().map_err(|_| "no description")?);
        let minted: MintedKey = minter
            .mint(&self.account, &properties)
            .await
            .map_err(|error| error.to_string())?;
        let details = minted.details;
        if details.description.as_deref() != Some(&description)
            || details.capabilities.tags != [self.client.tag.clone()]
        {
            return Err(format!("{description}: it got another's key"));
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let work: Work = serde_json::from_reader(stdin())?;
    let minter = minter(&work)?;
    let tasks: Vec<_> = work
        .clients
        .iter()
        .map(Task::of)
        .collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let seen = runtime.block_on(run(&work, Arc::new(minter), tasks))?;
    println!("{}", serde_json::to_string(&seen)?);
    Ok(())
}

fn minter(work: &Work) -> Result<Minter, Box<dyn Error>> {
    let tags: Vec<_> = work.clients.iter().map(|client| &client.tag).collect();
    let policy = format!("version = 1\n[rule.create-auth-key.key]\ntags = {tags:?}\n");
    let minter = Minter::builder()
        .trust(Trust::pem_file(work.ca.clone().into())?)
        .connect_to(work.to.parse()?)
        .policy(Policy::parse(&policy)?)
        .audit(Arc::new(Counted(0.into())))
        .pooled()
        .build()?;
    Ok(minter)
}

async fn run(work: &Work, minter: Arc<Minter>, tasks: Vec<Task>) -> Result<Seen, Box<dyn Error>> {
    let mut took = Vec::new();
    let mut warm = (0, 0);
    let one = tasks.first().ok_or("there are no clients")?;
    for mint in 0..work.sequential {
        let begun = Instant::now();
        one.mint(&minter, mint).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        if mint + 1 == WARM {
            warm = (resident_kib()?, descriptors()?);
        }
    }
    let growth_kib = resident_kib()? - warm.0;
    let descriptors = [warm.1, descriptors()?];
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];

    let (begun, cpu) = (Instant::now(), cpu());
    let until = begun + Duration::from_secs(work.seconds);
    let mut running = tokio::task::JoinSet::new();
    for task in tasks {
        let minter = Arc::clone(&minter);
        running.spawn(async move {
            let (mut mints, mut errors) = (0, Vec::new());
            while Instant::now() < until {
                // Its own numbers, beyond those of the mints before.
                let number = 1_000_000 + mints;
                errors.extend(task.mint(&minter, number).await.err());
                mints += 1;
            }
            (mints, errors)
        });
    }
    let (mut mints, mut errors) = (0, Vec::new());
    while let Some(ended) = running.join_next().await {
        let (its_mints, its_errors) = ended?;
        mints += its_mints;
        errors.extend(its_errors);
    }
    Ok(Seen {
        p50_ms: at(50),
        p99_ms: at(99),
        growth_kib,
        descriptors,
        mints,
        errors,
        elapsed_s: begun.elapsed().as_secs_f64(),
        cpu_s: self::cpu() - cpu,
        peak_kib: status("VmHWM:")?,
    })
}

fn resident_kib() -> Result<i64, Box<dyn Error>> {
    status("VmRSS:")
}

fn status(name: &str) -> Result<i64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("there is no such line")?.parse()?)
}

fn descriptors() -> Result<usize, Box<dyn Error>> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// The processor time of this process, in seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
