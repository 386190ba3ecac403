//! Generated usage events, as uneven over tenants, users and hours as those of a real platform.

use std::time::Duration;

use incident_core::impact::{ApiUsageEvent, ImpactQuery, TenantWindows};
use incident_core::{ServiceId, TenantId, Timestamp, UserId, Window};

/// Number of tenants; the first one is the largest.
pub const TENANTS: u16 = 500;

/// Number of services.
pub const SERVICES: u8 = 12;

const DAYS: u64 = 30;
const DAY_US: u64 = 24 * 3_600 * 1_000_000;

/// Time of the first event: 2024-06-01T00:00:00Z, in microseconds since 1970.
pub const START: i64 = 1_717_200_000_000_000;

/// The queried windows: name, start and length in microseconds. All but the last start at
/// 2024-06-13T09:00:00Z.
pub const WINDOWS: [(&str, u64, u64); 4] = [
    ("38m", 12 * DAY_US + 9 * 3_600_000_000, 38 * 60_000_000),
    ("12h", 12 * DAY_US + 9 * 3_600_000_000, 12 * 3_600_000_000),
    ("3d", 12 * DAY_US + 9 * 3_600_000_000, 3 * DAY_US),
    ("30d", 0, DAYS * DAY_US),
];

/// The queried tenants: name, the number of the largest tenants to choose from, and the step
/// between chosen ones.
pub const ASKED: [(&str, u16, usize); 3] = [("1", 1, 1), ("50", TENANTS, 10), ("all", TENANTS, 1)];

/// An event in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    /// Time, in microseconds since 1970.
    pub at: i64,
    /// Number of the user, unique over all tenants.
    pub user: u32,
    /// Number of the tenant, from 0.
    pub tenant: u16,
    /// Number of the service, from 0.
    pub service: u8,
}

/// `SplitMix64` with a fixed seed, so that the data is always the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::float_arithmetic,
        reason = "a share of one"
    )]
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Generates events in order of time: tenants by Zipf's law, users of a tenant by a power law, more
/// by day than by night, with a tenth as many users as events.
#[must_use]
#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement draws its data from distributions"
)]
pub fn made(events: usize) -> Vec<Made> {
    let mut random = Random(20_240_607);
    let weights: Vec<f64> = (1..=TENANTS).map(|rank| 1.0 / f64::from(rank)).collect();
    let sum: f64 = weights.iter().sum();
    let all_users = u32::try_from(events / 10).unwrap_or(u32::MAX);
    // The users of each tenant are a range of all users.
    let (mut tenants, mut first, mut upto) = (Vec::new(), 0_u32, 0.0);
    for weight in &weights {
        let users = ((weight / sum * f64::from(all_users)) as u32).max(50);
        upto += weight / sum;
        tenants.push((upto, first, users));
        first += users;
    }
    let mut made = Vec::with_capacity(events);
    while made.len() < events {
        let at = random.next() % (DAYS * DAY_US);
        let hour = (at % DAY_US) as f64 / DAY_US as f64;
        let wave = 0.65 + 0.35 * (std::f64::consts::TAU * (hour - 0.3)).sin();
        if random.share() > wave {
            continue;
        }
        let rank = random.share();
        let tenant = tenants.partition_point(|(upto, ..)| *upto < rank);
        let tenant = tenant.min(tenants.len() - 1);
        let Some((_, first, users)) = tenants.get(tenant).copied() else {
            continue;
        };
        // A bounded power law of exponent 0.7, by inverse transform sampling.
        let most = f64::from(users).powf(0.3);
        let drawn = ((most - 1.0) * random.share() + 1.0).powf(1.0 / 0.3) - 1.0;
        made.push(Made {
            at: START + i64::try_from(at).unwrap_or(0),
            user: first + (drawn as u32).min(users - 1),
            tenant: u16::try_from(tenant).unwrap_or(0),
            service: (random.next() % u64::from(SERVICES)) as u8,
        });
    }
    made.sort_unstable();
    made
}

/// The names of tenants, services and users.
#[derive(Debug)]
pub struct NamesOf {
    tenants: Vec<TenantId>,
    services: Vec<ServiceId>,
    users: Vec<UserId>,
}

/// Returns the name of a tenant.
#[must_use]
pub fn tenant_name(tenant: u16) -> String {
    format!("tenant-{tenant:03}")
}

/// Returns a random UUID that is derived from the number of a user.
#[must_use]
pub fn user_uuid(user: u32) -> String {
    let mut random = Random(u64::from(user));
    let bits = u128::from(random.next()) << 64 | u128::from(random.next());
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

impl NamesOf {
    /// Creates the names for the given events.
    ///
    /// # Panics
    /// Never panics: the names are generated here.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "names that are made here")]
    pub fn of(events: &[Made]) -> Self {
        let users = events.iter().map(|one| one.user).max().unwrap_or(0);
        Self {
            tenants: (0..TENANTS)
                .map(|tenant| TenantId::new(&tenant_name(tenant)).unwrap())
                .collect(),
            services: (0..SERVICES)
                .map(|service| ServiceId::new(&format!("service-{service:02}")).unwrap())
                .collect(),
            users: (0..=users)
                .map(|user| UserId::new(&user_uuid(user)).unwrap())
                .collect(),
        }
    }

    /// Converts events into those that a host would record.
    ///
    /// # Panics
    /// Panics if an event has a number without a name.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "names of these events")]
    pub fn events(&self, made: &[Made]) -> Vec<ApiUsageEvent> {
        let one = |made: &Made| ApiUsageEvent {
            tenant_id: self.tenants[usize::from(made.tenant)].clone(),
            user_id: self.users[made.user as usize].clone(),
            service: self.services[usize::from(made.service)].clone(),
            occurred_at: Timestamp::from_micros(made.at).unwrap_or(Timestamp::MIN),
            failed: made.user.is_multiple_of(7),
            endpoint: None,
        };
        made.iter().map(one).collect()
    }

    /// Returns the query for one of [`WINDOWS`] and one of [`ASKED`], restricted to three services
    /// if `filtered`.
    ///
    /// # Panics
    /// Panics if one of the names is unknown.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "constants")]
    pub fn query(&self, window: &str, asked: &str, filtered: bool) -> ImpactQuery {
        let (_, from, long) = WINDOWS.iter().find(|one| one.0 == window).unwrap();
        let (_, most, every) = ASKED.iter().find(|one| one.0 == asked).unwrap();
        let start = Timestamp::from_micros(START).unwrap();
        let start = start.saturating_add(Duration::from_micros(*from));
        let end = start.saturating_add(Duration::from_micros(*long));
        let window = Window::new(start, end).unwrap();
        let tenants = self.tenants.iter().take(usize::from(*most)).step_by(*every);
        let tenants = tenants.map(|tenant| TenantWindows {
            tenant: tenant.clone(),
            windows: window.into(),
        });
        let services = filtered.then(|| self.services.iter().take(3).cloned().collect());
        let mut query = ImpactQuery::new(tenants.collect());
        query.services = services;
        query
    }
}
