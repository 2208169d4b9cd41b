-- Everything Shipwhen keeps. Never edit this file: a later change is a later file.
--
-- Every key starts with the tenant. Ids are 16 bytes, instants microseconds since 1970, dates days since 1970,
-- money minor units beside their currency; what is read and written as a whole is JSON.

-- What belongs to the installation and not to a tenant.
CREATE TABLE installation (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    salt BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    tenant TEXT NOT NULL,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    publishable INTEGER NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (tenant, hash)
) STRICT, WITHOUT ROWID;

-- The ledger. Every table below up to `holds` can be made again from it.
CREATE TABLE events (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sku TEXT,
    order_id BLOB,
    data TEXT NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE locations (
    tenant TEXT NOT NULL,
    location TEXT NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (tenant, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE pools (
    tenant TEXT NOT NULL,
    sku TEXT NOT NULL,
    version INTEGER NOT NULL,
    settling INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (tenant, sku)
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
    tenant TEXT NOT NULL,
    sku TEXT NOT NULL,
    channel TEXT NOT NULL,
    policy TEXT NOT NULL,
    PRIMARY KEY (tenant, sku, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE supplies (
    tenant TEXT NOT NULL,
    supply_id BLOB NOT NULL,
    sku TEXT NOT NULL,
    location TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    expected_on INTEGER,
    late_expected_days INTEGER NOT NULL,
    late_promised_days INTEGER NOT NULL,
    late_learned_from INTEGER NOT NULL,
    supplier TEXT,
    reference TEXT,
    created_at INTEGER NOT NULL,
    received_at INTEGER,
    claims TEXT NOT NULL,
    PRIMARY KEY (tenant, supply_id)
) STRICT, WITHOUT ROWID;

-- A pool is read with its open supplies alone: closed ones pile up, one a day for a lead time.
CREATE INDEX supplies_open ON supplies (tenant, sku) WHERE state <> 'closed';
CREATE INDEX supplies_sku ON supplies (tenant, sku, supply_id);

CREATE TABLE orders (
    tenant TEXT NOT NULL,
    order_id BLOB NOT NULL,
    reference TEXT,
    channel TEXT NOT NULL,
    customer BLOB,
    customer_group TEXT,
    country TEXT,
    placed_at INTEGER NOT NULL,
    ship TEXT NOT NULL,
    requested_date INTEGER,
    not_later_than INTEGER,
    placed_by TEXT,
    PRIMARY KEY (tenant, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_reference ON orders (tenant, reference) WHERE reference IS NOT NULL;
CREATE INDEX orders_customer ON orders (tenant, customer) WHERE customer IS NOT NULL;

CREATE TABLE lines (
    tenant TEXT NOT NULL,
    order_id BLOB NOT NULL,
    line INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price INTEGER,
    currency TEXT,
    recipe TEXT,
    cancelled INTEGER NOT NULL,
    shipped INTEGER NOT NULL,
    PRIMARY KEY (tenant, order_id, line)
) STRICT, WITHOUT ROWID;

-- `wanted_on` is the order's requested date, 0 where it has none: as soon as possible.
CREATE TABLE pegs (
    tenant TEXT NOT NULL,
    order_id BLOB NOT NULL,
    line INTEGER NOT NULL,
    supply_id BLOB NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    wanted_on INTEGER NOT NULL,
    PRIMARY KEY (tenant, order_id, line, supply_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX pegs_queue ON pegs (tenant, supply_id, wanted_on, order_id, line);

CREATE TABLE promises (
    tenant TEXT NOT NULL,
    order_id BLOB NOT NULL,
    line INTEGER NOT NULL,
    version INTEGER NOT NULL,
    ship_expected INTEGER,
    ship_promised INTEGER,
    deliver_expected INTEGER,
    deliver_promised INTEGER,
    given_at INTEGER NOT NULL,
    told_at INTEGER,
    cause TEXT NOT NULL,
    PRIMARY KEY (tenant, order_id, line, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    tenant TEXT NOT NULL,
    hold_id BLOB NOT NULL,
    hold TEXT NOT NULL,
    PRIMARY KEY (tenant, hold_id)
) STRICT, WITHOUT ROWID;

-- What follows is not in the ledger: people's data, and what keeps the house running.
CREATE TABLE contacts (
    tenant TEXT NOT NULL,
    order_id BLOB NOT NULL,
    email TEXT,
    name TEXT,
    postcode TEXT,
    locale TEXT,
    PRIMARY KEY (tenant, order_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE timers (
    tenant TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (tenant, due_at, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE work (
    tenant TEXT NOT NULL,
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Answers stand in the order they were given, and only their keys, which come at random, in an index: so an order
-- dirties a page of keys and not a page of answers.
CREATE TABLE replays (
    tenant TEXT NOT NULL,
    day INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (tenant, day, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX replays_key ON replays (tenant, day, key);

CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    order_id BLOB NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;
