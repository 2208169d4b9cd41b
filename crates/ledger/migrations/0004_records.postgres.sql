-- Records: state that belongs to no pool and no order row. Never edit this file: a later change is a later file.

-- What the ledger says; made again by replay.
CREATE TABLE records (
    tenant TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    due BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX records_by_owner ON records (tenant, kind, owner, id) WHERE owner <> '';
CREATE INDEX records_by_state ON records (tenant, kind, state, id) WHERE state <> '';
CREATE INDEX records_by_due ON records (tenant, kind, due, id) WHERE due IS NOT NULL;

-- What the ledger must not say: personal data, secrets. Erased when somebody asks for it.
CREATE TABLE private_records (
    tenant TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    due BIGINT,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
CREATE INDEX private_records_by_owner ON private_records (tenant, kind, owner, id) WHERE owner <> '';
CREATE INDEX private_records_by_state ON private_records (tenant, kind, state, id) WHERE state <> '';
CREATE INDEX private_records_by_due ON private_records (tenant, kind, due, id) WHERE due IS NOT NULL;

-- What is due of all tenants is asked for a few times a second, and most often nothing is.
CREATE INDEX records_due ON records (kind, due) WHERE due IS NOT NULL;
CREATE INDEX private_records_due ON private_records (kind, due) WHERE due IS NOT NULL;
