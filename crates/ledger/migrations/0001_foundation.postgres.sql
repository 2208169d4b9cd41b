-- Everything Shipwhen keeps, on PostgreSQL. Never edit this file: a later change is a later file.
--
-- The tables and columns of SQLite, as they are from 0003 on: no PostgreSQL store is older. Every key starts with the
-- tenant, so every table can be distributed by it. Ids are 16 bytes, instants microseconds since 1970, dates days since
-- 1970, money minor units beside their currency, flags 0 or 1; what is read and written as a whole is JSON. Texts sort
-- by their bytes, as they do in SQLite and in this program. No sequence, no trigger, no function with a memory.

-- What belongs to the installation and not to a tenant.
CREATE TABLE installation (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE tenants (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    salt BYTEA NOT NULL
);

CREATE TABLE api_keys (
    tenant TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    publishable BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, hash)
);

-- Where a tenant stands: how often anything of it was written, and the last numbers given. Whoever writes for a tenant
-- changes this row first, so it is what nodes meet at; it stands in no index but its key, and is replaced in its page.
CREATE TABLE heads (
    tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    last_event BIGINT NOT NULL,
    last_replay BIGINT NOT NULL
) WITH (fillfactor = 20);

-- What each version changed, for nodes that hold pools in memory. Kept for some thousand versions. `batch`: a random
-- name, by which a writer that lost its connection learns whether it was heard. `pools`: a JSON list of SKUs, each with its
-- version since. `others`: whether locations, holds, records or work changed.
CREATE TABLE changes (
    tenant TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    batch BYTEA NOT NULL,
    pools TEXT NOT NULL,
    others BIGINT NOT NULL,
    PRIMARY KEY (tenant, version)
);

-- The ledger. `promise`: the promise that was given with an order; it is the entry after, `seq` + 1.
CREATE TABLE events (
    tenant TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    sku TEXT,
    order_id BYTEA,
    data TEXT NOT NULL,
    promise TEXT,
    PRIMARY KEY (tenant, seq)
);

CREATE TABLE locations (
    tenant TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (tenant, location)
);

CREATE TABLE pools (
    tenant TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    settling BIGINT NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (tenant, sku)
) WITH (fillfactor = 50);

CREATE TABLE policies (
    tenant TEXT COLLATE "C" NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    policy TEXT NOT NULL,
    PRIMARY KEY (tenant, sku, channel)
);

CREATE TABLE supplies (
    tenant TEXT COLLATE "C" NOT NULL,
    supply_id BYTEA NOT NULL,
    sku TEXT COLLATE "C" NOT NULL,
    location TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    expected_on BIGINT,
    late_expected_days BIGINT NOT NULL,
    late_promised_days BIGINT NOT NULL,
    late_learned_from BIGINT NOT NULL,
    supplier TEXT,
    reference TEXT,
    created_at BIGINT NOT NULL,
    received_at BIGINT,
    claims TEXT NOT NULL,
    PRIMARY KEY (tenant, supply_id)
) WITH (fillfactor = 50);

-- A pool is read with its open supplies alone: closed ones pile up, one a day for a lead time.
CREATE INDEX supplies_open ON supplies (tenant, sku) WHERE state <> 'closed';
CREATE INDEX supplies_sku ON supplies (tenant, sku, supply_id);

-- `body`: lines, pegs and promises, as ledger::body writes them; as large as the order. `contact`: who ordered, not in the
-- ledger.
CREATE TABLE orders (
    tenant TEXT COLLATE "C" NOT NULL,
    order_id BYTEA NOT NULL,
    reference TEXT COLLATE "C",
    customer BYTEA,
    placed_by TEXT COLLATE "C",
    contact TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, order_id)
) WITH (fillfactor = 85);

CREATE INDEX orders_reference ON orders (tenant, reference, order_id) WHERE reference IS NOT NULL;
-- SQLite has a table in the place of this index, which it fills in bulk (customer_orders, with marks).
CREATE INDEX orders_customer ON orders (tenant, customer, order_id) WHERE customer IS NOT NULL;

-- Every peg, where its supply's queue has it, with what an overview counts. `wanted_on`: the order's requested date,
-- 0 where it has none; `open`: units of the line still to be sent; `told`: the ship date last told; `released`: of
-- `quantity`, units that were handed over to fulfilment and have not left.
CREATE TABLE queue (
    tenant TEXT COLLATE "C" NOT NULL,
    supply_id BYTEA NOT NULL,
    wanted_on BIGINT NOT NULL,
    order_id BYTEA NOT NULL,
    line BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    sku TEXT NOT NULL,
    open BIGINT NOT NULL,
    unit_price BIGINT,
    currency TEXT,
    told BIGINT,
    released BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, supply_id, wanted_on, order_id, line)
);

CREATE TABLE holds (
    tenant TEXT COLLATE "C" NOT NULL,
    hold_id BYTEA NOT NULL,
    hold TEXT NOT NULL,
    PRIMARY KEY (tenant, hold_id)
);

CREATE TABLE timers (
    tenant TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id BYTEA NOT NULL,
    PRIMARY KEY (tenant, due_at, kind, id)
);

-- What is due of all tenants is asked for a few times a second, and most often nothing is.
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE work (
    tenant TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Requests answered, in the order of their answers. `key`: the first 16 bytes of its SHA-256. What was answered stands in
-- `answer`, or follows from the ledger entry `placed`. A `lasting` key is never forgotten.
CREATE TABLE replays (
    tenant TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    day BIGINT NOT NULL,
    lasting BIGINT NOT NULL,
    key BYTEA NOT NULL,
    request BYTEA NOT NULL,
    answer TEXT,
    placed BIGINT,
    PRIMARY KEY (tenant, seq)
);

-- SQLite has a table in the place of this index, which it fills in bulk (replay_keys, with marks).
CREATE INDEX replays_key ON replays (tenant, key, seq);
