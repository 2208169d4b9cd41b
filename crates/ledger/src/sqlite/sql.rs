//! Every statement that runs more than once. `INDEXED BY` wherever the planner would have to guess: without
//! statistics it does not know which index is small.

pub(super) const TENANTS: &str = "SELECT tenant, created_at, salt FROM tenants ORDER BY tenant";
pub(super) const TENANT: &str = "SELECT tenant, created_at, salt FROM tenants WHERE tenant = ?1";
pub(super) const API_KEY: &str = "SELECT name, publishable, scopes, created_at, revoked_at \
     FROM api_keys WHERE tenant = ?1 AND hash = ?2";
pub(super) const API_KEYS: &str = "SELECT name, publishable, scopes, created_at, revoked_at, hash \
     FROM api_keys WHERE tenant = ?1 ORDER BY created_at, hash";
pub(super) const SECRET: &str = "SELECT value FROM installation WHERE name = 'secret'";

pub(super) const LOCATIONS: &str =
    "SELECT location, settings FROM locations WHERE tenant = ?1 ORDER BY location";
pub(super) const POOL: &str = "SELECT version, settling, item FROM pools WHERE tenant = ?1 AND sku = ?2";
pub(super) const POOL_SKUS: &str =
    "SELECT sku FROM pools WHERE tenant = ?1 AND sku > ?2 ORDER BY sku LIMIT ?3";
pub(super) const POLICIES: &str =
    "SELECT channel, policy FROM policies WHERE tenant = ?1 AND sku = ?2 ORDER BY channel";

macro_rules! supply_select {
    ($rest:literal) => {
        concat!(
            "SELECT supply_id, sku, location, kind, state, quantity, expected_on, late_expected_days, \
             late_promised_days, late_learned_from, supplier, reference, created_at, received_at, claims, \
             ring_fenced FROM supplies ",
            $rest
        )
    };
}
pub(super) const SUPPLIES_OPEN: &str =
    supply_select!("INDEXED BY supplies_open WHERE tenant = ?1 AND sku = ?2 AND state <> 'closed'");
pub(super) const SUPPLY: &str = supply_select!("WHERE tenant = ?1 AND supply_id = ?2");
/// Of all SKUs; `?4`: closed ones too.
pub(super) const SUPPLY_PAGE: &str = supply_select!(
    "WHERE tenant = ?1 AND supply_id > ?2 AND (?4 OR state <> 'closed') ORDER BY supply_id LIMIT ?3"
);
pub(super) const SUPPLY_PAGE_SKU: &str = supply_select!(
    "INDEXED BY supplies_sku WHERE tenant = ?1 AND supply_id > ?2 AND (?4 OR state <> 'closed') \
     AND sku = ?5 ORDER BY supply_id LIMIT ?3"
);

pub(super) const ORDER: &str =
    "SELECT reference, customer, placed_by, body FROM orders WHERE tenant = ?1 AND order_id = ?2";

macro_rules! order_page {
    ($rest:literal) => {
        concat!(
            "SELECT order_id FROM orders ",
            $rest,
            " AND order_id < ?2 AND (?4 IS NULL OR reference = ?4) AND (?5 IS NULL OR customer = ?5) \
             AND (?6 IS NULL OR placed_by = ?6) ORDER BY order_id DESC LIMIT ?3"
        )
    };
}
pub(super) const ORDER_PAGE: &str = order_page!("INDEXED BY orders_id WHERE tenant = ?1");
pub(super) const ORDER_PAGE_REFERENCE: &str =
    order_page!("INDEXED BY orders_reference WHERE tenant = ?1 AND reference = ?4");
pub(super) const CUSTOMER_ORDERS: &str = "SELECT order_id FROM customer_orders \
     WHERE tenant = ?1 AND era = ?2 AND customer = ?3 AND order_id < ?4 ORDER BY order_id DESC LIMIT ?5";
pub(super) const CUSTOMER_ERA: &str =
    "SELECT era FROM customer_orders WHERE tenant = ?1 ORDER BY era DESC LIMIT 1";
/// Orders placed after a ledger entry, with their customers: those that the index by customer does not have yet.
pub(super) const CUSTOMERS_AFTER: &str = "SELECT o.customer, o.order_id \
     FROM events e INDEXED BY events_seq \
     CROSS JOIN orders o ON o.tenant = e.tenant AND o.order_id = e.order_id \
     WHERE e.tenant = ?1 AND e.seq > ?2 AND e.kind = 'order_placed' AND o.customer IS NOT NULL";
pub(super) const CONTACT: &str = "SELECT contact FROM orders WHERE tenant = ?1 AND order_id = ?2";
pub(super) const HOLD: &str = "SELECT hold FROM holds WHERE tenant = ?1 AND hold_id = ?2";
/// Live holds are few, and a supply's id stands in its text as nothing else does.
pub(super) const HOLDS_ON: &str =
    "SELECT hold FROM holds WHERE tenant = ?1 AND instr(hold, ?2) > 0 ORDER BY hold_id";

pub(super) const QUEUE_DATES: &str = "SELECT wanted_on FROM queue \
     WHERE tenant = ?1 AND supply_id = ?2 AND wanted_on > ?3 ORDER BY wanted_on LIMIT 1";
pub(super) const QUEUE_OLDEST: &str = "SELECT order_id, line, quantity FROM queue \
     WHERE tenant = ?1 AND supply_id = ?2 AND wanted_on = ?3 AND (order_id, line) > (?4, ?5) \
     ORDER BY order_id, line LIMIT ?6";
/// Units that can be taken away: not those with fulfilment.
pub(super) const QUEUE_NEWEST: &str = "SELECT order_id, line, quantity - released FROM queue \
     WHERE tenant = ?1 AND supply_id = ?2 AND wanted_on = ?3 AND (order_id, line) < (?4, ?5) \
     AND released < quantity \
     ORDER BY order_id DESC, line DESC LIMIT ?6";
pub(super) const QUEUE_WANTED: &str = "SELECT order_id, line, quantity FROM queue \
     WHERE tenant = ?1 AND supply_id = ?2 AND wanted_on < ?3 AND (wanted_on, order_id, line) > (?4, ?5, ?6) \
     ORDER BY wanted_on, order_id, line LIMIT ?7";

/// Lines with goods on hand at a place that are not with fulfilment: supply by supply, each supply's queue in one stretch.
pub(super) const ALLOCATED: &str = "SELECT q.order_id, q.line, q.told, q.sku \
     FROM supplies s INDEXED BY supplies_open CROSS JOIN queue q ON q.tenant = s.tenant AND q.supply_id = s.supply_id \
     WHERE s.tenant = ?1 AND s.state <> 'closed' AND s.state = 'on_hand' AND s.location = ?2 \
     AND q.released < q.quantity";
pub(super) const HANDED_OVER: &str = "SELECT q.order_id, q.line, q.told \
     FROM supplies s INDEXED BY supplies_open CROSS JOIN queue q ON q.tenant = s.tenant AND q.supply_id = s.supply_id \
     WHERE s.tenant = ?1 AND s.state <> 'closed' AND s.state = 'on_hand' AND s.location = ?2 AND q.released > 0";
pub(super) const TAGGED: &str = "SELECT sku FROM pools WHERE tenant = ?1 AND EXISTS \
     (SELECT 1 FROM json_each(item, '$.tags') AS tag JOIN json_each(?2) AS wanted ON tag.value = wanted.value) \
     ORDER BY sku";

pub(super) const BACKLOG: &str = "SELECT supply_id, order_id, line, quantity, sku, open, unit_price, currency, \
     told FROM queue WHERE tenant = ?1";
pub(super) const SUPPLY_SKU: &str = "SELECT sku FROM supplies WHERE tenant = ?1 AND supply_id = ?2";
pub(super) const ARRIVALS: &str = supply_select!(
    "INDEXED BY supplies_open WHERE tenant = ?1 AND state <> 'closed' AND state = 'due' \
     AND expected_on IS NOT NULL ORDER BY expected_on, supply_id LIMIT ?2"
);
pub(super) const ARRIVAL_DAYS: &str = "SELECT expected_on, count(*), sum(quantity) FROM supplies \
     INDEXED BY supplies_open WHERE tenant = ?1 AND state <> 'closed' AND state = 'due' \
     AND expected_on BETWEEN ?2 AND ?3 GROUP BY expected_on ORDER BY expected_on";
pub(super) const ARRIVALS_OF_DAYS: &str = supply_select!(
    "WHERE tenant = ?1 AND supply_id IN (SELECT supply_id FROM (SELECT supply_id, \
     row_number() OVER (PARTITION BY expected_on ORDER BY supply_id) AS nth FROM supplies \
     INDEXED BY supplies_open WHERE tenant = ?1 AND state <> 'closed' AND state = 'due' \
     AND expected_on BETWEEN ?2 AND ?3) WHERE nth <= ?4) ORDER BY expected_on, supply_id"
);
/// Stops at the limit: a place far back is not worth a long count.
pub(super) const AHEAD: &str = "SELECT count(*) FROM (SELECT 1 FROM queue \
     WHERE tenant = ?1 AND supply_id = ?2 AND (order_id, line) < (?3, ?4) LIMIT ?5)";

/// From an entry on: a row may stand for the entry after it as well.
pub(super) const EVENTS: &str = "SELECT seq, at, kind, sku, order_id, data, promise FROM events \
     WHERE tenant = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
pub(super) const LAST_EVENT: &str = "SELECT seq + (promise IS NOT NULL) FROM events INDEXED BY events_seq \
     WHERE tenant = ?1 ORDER BY seq DESC LIMIT 1";
pub(super) const MARK: &str = "SELECT seq FROM marks WHERE tenant = ?1 AND name = ?2";
pub(super) const REPLAY: &str =
    "SELECT request, day, lasting, answer, placed FROM replays WHERE tenant = ?1 AND seq = ?2";
pub(super) const REPLAY_KEY: &str = "SELECT seq FROM replay_keys WHERE tenant = ?1 AND era = ?2 AND key = ?3";
pub(super) const REPLAY_ERA: &str = "SELECT era FROM replay_keys WHERE tenant = ?1 ORDER BY era DESC LIMIT 1";
pub(super) const REPLAYS_AFTER: &str =
    "SELECT key, seq FROM replays WHERE tenant = ?1 AND seq > ?2 ORDER BY seq";
pub(super) const REPLAY_KEYS: &str = "SELECT key FROM replay_keys WHERE tenant = ?1 LIMIT ?2";
pub(super) const LAST_REPLAY: &str = "SELECT seq FROM replays WHERE tenant = ?1 ORDER BY seq DESC LIMIT 1";
pub(super) const REPLAY_DAYS: &str = "SELECT seq, key, day, lasting FROM replays \
     WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
/// The next tenant with a timer: every key starts with the tenant, so the scan over all goes from one to the next.
pub(super) const NEXT_TIMER_TENANT: &str =
    "SELECT tenant FROM timers WHERE tenant > ?1 ORDER BY tenant LIMIT 1";
pub(super) const TIMERS: &str = "SELECT due_at, kind, id FROM timers WHERE tenant = ?1 AND due_at <= ?2 \
     ORDER BY due_at, kind, id LIMIT ?3";
pub(super) const LAST_WORK: &str = "SELECT max(id) FROM work WHERE tenant = ?1 HAVING count(*) > 0";
pub(super) const DATA_VERSION: &str = "PRAGMA data_version";
pub(super) const WORK: &str = "SELECT tenant, id, kind, state FROM work ORDER BY tenant, id LIMIT ?1";

pub(super) const CREATE_TENANT: &str =
    "INSERT INTO tenants (tenant, created_at, salt) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
pub(super) const CREATE_KEY: &str = "INSERT OR REPLACE INTO api_keys \
     (tenant, hash, name, publishable, scopes, created_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const DROP_REPLAY: &str = "DELETE FROM replays WHERE tenant = ?1 AND seq = ?2";
pub(super) const DROP_REPLAY_KEY: &str =
    "DELETE FROM replay_keys WHERE tenant = ?1 AND era = ?2 AND key = ?3 AND seq = ?4";

pub(super) const ADD_EVENT: &str = "INSERT INTO events (tenant, seq, at, kind, sku, order_id, data, promise) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const PUT_LOCATION: &str =
    "INSERT OR REPLACE INTO locations (tenant, location, settings) VALUES (?1, ?2, ?3)";
pub(super) const ADD_POOL: &str = "INSERT INTO pools (tenant, sku, settling, item, version) \
     VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT DO NOTHING";
pub(super) const SET_POOL: &str = "UPDATE pools SET settling = ?3, item = ?4, version = version + 1 \
     WHERE tenant = ?1 AND sku = ?2 AND version = ?5";
pub(super) const PUT_POLICY: &str =
    "INSERT OR REPLACE INTO policies (tenant, sku, channel, policy) VALUES (?1, ?2, ?3, ?4)";
/// An update keeps its hands off the index of the SKU, which a replaced row would leave and enter again; a supply's
/// SKU never changes.
pub(super) const PUT_SUPPLY: &str = "INSERT INTO supplies (tenant, supply_id, sku, location, kind, state, \
     quantity, expected_on, late_expected_days, late_promised_days, late_learned_from, supplier, reference, \
     created_at, received_at, claims, ring_fenced) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
     ON CONFLICT (tenant, supply_id) DO UPDATE SET location = excluded.location, kind = excluded.kind, \
     state = excluded.state, created_at = excluded.created_at, quantity = excluded.quantity, expected_on = excluded.expected_on, \
     late_expected_days = excluded.late_expected_days, late_promised_days = excluded.late_promised_days, \
     late_learned_from = excluded.late_learned_from, supplier = excluded.supplier, \
     reference = excluded.reference, received_at = excluded.received_at, claims = excluded.claims, \
     ring_fenced = excluded.ring_fenced";
pub(super) const ADD_ORDER: &str = "INSERT INTO orders (tenant, order_id, reference, customer, placed_by, \
     contact, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const SET_ORDER: &str = "UPDATE orders SET body = ?3 WHERE tenant = ?1 AND order_id = ?2";
pub(super) const SET_CONTACT: &str = "UPDATE orders SET contact = ?3 WHERE tenant = ?1 AND order_id = ?2";
pub(super) const PUT_PLACE: &str = "INSERT INTO queue (tenant, supply_id, wanted_on, order_id, line, quantity, \
     sku, open, unit_price, currency, told, released) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
     ON CONFLICT (tenant, supply_id, wanted_on, order_id, line) DO UPDATE SET quantity = excluded.quantity, \
     open = excluded.open, told = excluded.told, released = excluded.released";
pub(super) const DROP_PLACE: &str = "DELETE FROM queue \
     WHERE tenant = ?1 AND supply_id = ?2 AND wanted_on = ?3 AND order_id = ?4 AND line = ?5";
pub(super) const ADD_CUSTOMER_ORDER: &str = "INSERT OR IGNORE INTO customer_orders \
     (tenant, era, customer, order_id) VALUES (?1, ?2, ?3, ?4)";
pub(super) const PUT_MARK: &str = "INSERT OR REPLACE INTO marks (tenant, name, seq) VALUES (?1, ?2, ?3)";
pub(super) const PUT_HOLD: &str = "INSERT OR REPLACE INTO holds (tenant, hold_id, hold) VALUES (?1, ?2, ?3)";
pub(super) const DROP_HOLD: &str = "DELETE FROM holds WHERE tenant = ?1 AND hold_id = ?2";
pub(super) const PUT_TIMER: &str =
    "INSERT OR REPLACE INTO timers (tenant, due_at, kind, id) VALUES (?1, ?2, ?3, ?4)";
pub(super) const DROP_TIMER: &str =
    "DELETE FROM timers WHERE tenant = ?1 AND due_at = ?2 AND kind = ?3 AND id = ?4";
pub(super) const PUT_WORK: &str =
    "INSERT OR REPLACE INTO work (tenant, id, kind, state) VALUES (?1, ?2, ?3, ?4)";
pub(super) const DROP_WORK: &str = "DELETE FROM work WHERE tenant = ?1 AND id = ?2";
pub(super) const ADD_REPLAY: &str = "INSERT INTO replays (tenant, seq, day, lasting, key, request, answer, \
     placed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const PUT_REPLAY_KEY: &str =
    "INSERT OR REPLACE INTO replay_keys (tenant, era, key, seq) VALUES (?1, ?2, ?3, ?4)";
