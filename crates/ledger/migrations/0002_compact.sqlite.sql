-- One row an order. Never edit this file: a later change is a later file.
--
-- An order wrote eleven rows and two random index pages; now it writes five rows, each at the end of its table. The rows
-- of 0001 are carried over by the program (sqlite/migrate/compact.rs), which also drops the tables named `old_`.

ALTER TABLE events RENAME TO old_events;
ALTER TABLE orders RENAME TO old_orders;
ALTER TABLE replays RENAME TO old_replays;

-- The ledger. An entry may be as large as its order, so the rows lie in a tree that takes large rows, with an index of
-- their numbers. `promise`: the promise that was given with an order; it is the entry after, `seq` + 1.
CREATE TABLE events (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sku TEXT,
    order_id BLOB,
    data TEXT NOT NULL,
    promise TEXT
) STRICT;

CREATE UNIQUE INDEX events_seq ON events (tenant, seq);

-- `body`: lines, pegs and promises, as ledger::body writes them; as large as the order. `contact`: who ordered, not in the
-- ledger.
CREATE TABLE orders (
    tenant TEXT NOT NULL,
    order_id BLOB NOT NULL,
    reference TEXT,
    customer BLOB,
    placed_by TEXT,
    contact TEXT,
    body TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX orders_id ON orders (tenant, order_id);

DROP INDEX orders_reference;
DROP INDEX orders_customer;
CREATE INDEX orders_reference ON orders (tenant, reference, order_id) WHERE reference IS NOT NULL;

-- Orders by customer. Customers come in no order, so this is filled in bulk, up to the ledger entry that `marks` says, and
-- era by era: so what is written to stays small, however much there is.
CREATE TABLE customer_orders (
    tenant TEXT NOT NULL,
    era INTEGER NOT NULL,
    customer BLOB NOT NULL,
    order_id BLOB NOT NULL,
    PRIMARY KEY (tenant, era, customer, order_id)
) STRICT, WITHOUT ROWID;

-- Every peg, where its supply's queue has it, with what an overview counts. `wanted_on`: the order's requested date,
-- 0 where it has none; `open`: units of the line still to be sent; `told`: the ship date last told.
CREATE TABLE queue (
    tenant TEXT NOT NULL,
    supply_id BLOB NOT NULL,
    wanted_on INTEGER NOT NULL,
    order_id BLOB NOT NULL,
    line INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    sku TEXT NOT NULL,
    open INTEGER NOT NULL,
    unit_price INTEGER,
    currency TEXT,
    told INTEGER,
    PRIMARY KEY (tenant, supply_id, wanted_on, order_id, line)
) STRICT, WITHOUT ROWID;

-- Requests answered, in the order of their answers. `key`: the first 16 bytes of its SHA-256. What was answered stands in
-- `answer`, or follows from the ledger entry `placed`. A `lasting` key is never forgotten.
CREATE TABLE replays (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    day INTEGER NOT NULL,
    lasting INTEGER NOT NULL,
    key BLOB NOT NULL,
    request BLOB NOT NULL,
    answer TEXT,
    placed INTEGER,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

-- Keys by what they are. Filled in bulk, up to the answer that `marks` says, era by era.
CREATE TABLE replay_keys (
    tenant TEXT NOT NULL,
    era INTEGER NOT NULL,
    key BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, era, key)
) STRICT, WITHOUT ROWID;

-- How far an index that is filled in bulk has come.
CREATE TABLE marks (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- What is to be told to others follows from the ledger.
DROP TABLE outbox;
