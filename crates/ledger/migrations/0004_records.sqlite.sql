-- Records: state that belongs to no pool and no order row. Never edit this file: a later change is a later file.

-- What the ledger says; made again by replay.
CREATE TABLE records (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    due INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX records_by_owner ON records (tenant, kind, owner, id) WHERE owner <> '';
CREATE INDEX records_by_state ON records (tenant, kind, state, id) WHERE state <> '';
CREATE INDEX records_by_due ON records (tenant, kind, due, id) WHERE due IS NOT NULL;

-- What the ledger must not say: personal data, secrets. Erased when somebody asks for it.
CREATE TABLE private_records (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    due INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX private_records_by_owner ON private_records (tenant, kind, owner, id) WHERE owner <> '';
CREATE INDEX private_records_by_state ON private_records (tenant, kind, state, id) WHERE state <> '';
CREATE INDEX private_records_by_due ON private_records (tenant, kind, due, id) WHERE due IS NOT NULL;
