//! Every statement that the PostgreSQL engine sends while it does all it must, read by somebody else's parser and held against what
//! a distributed PostgreSQL (Citus, YugabyteDB, CockroachDB) can do well: it names the tenant, and it asks for nothing that
//! stands outside one tenant's tables.

use std::{collections::BTreeSet, fs, ops::ControlFlow, sync::LazyLock};

use ledger::{postgres::PostgresStore, transfer};
use sqlparser::{
    ast::{
        BinaryOperator, ConflictTarget, Delete, Expr, FromTable, Insert, Join, JoinConstraint, JoinOperator,
        ObjectName, OnConflictAction, OnInsert, Query, Select, SelectItem, SetExpr, Statement, TableFactor,
        TableObject, TableWithJoins, Update, UpdateTableFromKind, Value, Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
    tokenizer::{Token, Tokenizer},
};
use testkit::postgres::Cluster;

use crate::{Engine, Postgres, Sqlite};

/// What belongs to no tenant.
const OF_NOBODY: [&str; 2] = ["installation", "migrations"];

/// The only statements that look at tables of all tenants: what is due or left to do, the tenants themselves, and where a node's own
/// tenants stand.
const SCANS: [&str; 6] = [
    "SELECT tenant, created_at, salt FROM tenants ORDER BY tenant",
    "SELECT heads.tenant, heads.version, changes.batch FROM heads LEFT JOIN changes ON changes.tenant = heads.tenant",
    "SELECT tenant, due_at, kind, id FROM timers WHERE due_at <= $1 ORDER BY due_at",
    "SELECT tenant, id, kind, state FROM work ORDER BY tenant, id LIMIT $1",
    "SELECT tenant, kind, id, owner, state, due, body FROM records WHERE kind = $1 AND due IS NOT NULL",
    "SELECT tenant, kind, id, owner, state, due, body FROM private_records WHERE kind = $1 AND due IS NOT NULL",
];

/// Words of what does not work, or not well, where tables are spread over machines.
const FORBIDDEN: [&str; 14] = [
    "LISTEN",
    "NOTIFY",
    "UNLISTEN",
    "TEMP",
    "TEMPORARY",
    "UNLOGGED",
    "TRIGGER",
    "SEQUENCE",
    "SERIAL",
    "BIGSERIAL",
    "NEXTVAL",
    "REFERENCES",
    "LOCK",
    "RULE",
];

/// A cluster that writes down what it is asked.
fn logged() -> &'static Cluster {
    static LOGGED: LazyLock<Cluster> = LazyLock::new(|| {
        let cluster = Cluster::start(false);
        for setting in ["log_line_prefix = '%a|'", "log_statement = 'all'", "log_parameter_max_length = 0"] {
            cluster.sql("postgres", &format!("ALTER SYSTEM SET {setting}"));
        }
        cluster.sql("postgres", "SELECT pg_reload_conf()");
        cluster
    });
    &LOGGED
}

/// What the engine asked, each statement once.
fn asked(cluster: &Cluster) -> BTreeSet<String> {
    let log = fs::read(cluster.dir().join("log")).unwrap();
    let mut asked = BTreeSet::new();
    let mut lines = String::from_utf8_lossy(&log).into_owned();
    // A line that begins with a tab goes on with the one before.
    lines = lines.replace("\n\t", " ");
    for line in lines.lines().filter_map(|line| line.strip_prefix("shipwhen|LOG:  ")) {
        let statement = match line.strip_prefix("statement: ") {
            Some(statement) => statement,
            None => match line.strip_prefix("execute ").and_then(|line| line.split_once(": ")) {
                Some((_, statement)) => statement,
                None => continue,
            },
        };
        asked.insert(statement.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    asked
}

/// The words of a statement that are no names, texts or numbers of ours.
fn words(statement: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, statement).tokenize().unwrap();
    tokens
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word.value.to_uppercase()),
            _ => None,
        })
        .collect()
}

/// What is wrong with a statement on distributed tables.
fn faults(statement: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for word in words(statement) {
        // A row that is locked stays where it is.
        if FORBIDDEN.contains(&&*word)
            || word.starts_with("PG_ADVISORY")
            || word.starts_with("PG_TRY_ADVISORY")
        {
            faults.push(format!("the word {word}"));
        }
    }
    let is_scan = SCANS.iter().any(|scan| statement.starts_with(scan));
    match Parser::parse_sql(&PostgreSqlDialect {}, statement) {
        Err(error) => faults.push(format!("it cannot be read: {error}")),
        Ok(all) => {
            for one in all {
                let mut look = Look { faults: Vec::new() };
                let _ = one.visit(&mut look);
                if !is_scan {
                    faults.extend(look.faults);
                }
            }
        }
    }
    faults
}

struct Look {
    faults: Vec<String>,
}

/// A table of tenants, by the name that it has in its statement.
struct Of {
    name: String,
    alias: String,
}

fn last(name: &ObjectName) -> String {
    name.0.last().map(|part| part.to_string().to_lowercase()).unwrap_or_default()
}

/// The tables of tenants in a list, and what their joins say.
fn tables<'q>(from: &'q [TableWithJoins], found: &mut Vec<Of>, said: &mut Vec<&'q Expr>) {
    let mut factor = |factor: &TableFactor| {
        if let TableFactor::Table { name, alias, args: None, .. } = factor {
            let name = last(name);
            let is_ours = !OF_NOBODY.contains(&&*name)
                && !name.starts_with("pg_")
                && name != "dates"
                && name != "found";
            if is_ours {
                let alias = alias.as_ref().map_or(name.clone(), |alias| alias.name.value.to_lowercase());
                found.push(Of { name, alias });
            }
        }
    };
    for table in from {
        factor(&table.relation);
        for Join { relation, join_operator, .. } in &table.joins {
            factor(relation);
            if let JoinOperator::Join(on)
            | JoinOperator::Inner(on)
            | JoinOperator::Left(on)
            | JoinOperator::LeftOuter(on) = join_operator
                && let JoinConstraint::On(on) = on
            {
                conjuncts(on, said);
            }
        }
    }
}

fn conjuncts<'q>(expr: &'q Expr, all: &mut Vec<&'q Expr>) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjuncts(left, all);
            conjuncts(right, all);
        }
        Expr::Nested(inner) => conjuncts(inner, all),
        other => all.push(other),
    }
}

/// The table whose tenant an expression is; the empty one where it is said of none.
fn tenant_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) if name.value.eq_ignore_ascii_case("tenant") => Some(String::new()),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, column] if column.value.eq_ignore_ascii_case("tenant") => {
                Some(table.value.to_lowercase())
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_parameter(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Placeholder(_)),
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_parameter(expr),
        _ => false,
    }
}

impl Look {
    /// Each table's tenant must be a parameter, or that of a table for which this holds.
    fn bound(&mut self, found: &[Of], said: &[&Expr]) {
        let mut bound: BTreeSet<&str> = BTreeSet::new();
        let mut equal: Vec<(String, String)> = Vec::new();
        for expr in said {
            let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { continue };
            match (tenant_of(left), tenant_of(right)) {
                (Some(one), Some(other)) => equal.push((one, other)),
                (Some(of), None) if is_parameter(right) => bound.extend(meant(found, &of)),
                (None, Some(of)) if is_parameter(left) => bound.extend(meant(found, &of)),
                _ => {}
            }
        }
        for _ in 0..found.len() {
            for (one, other) in &equal {
                // A table from around this query is held against its own rule there.
                let is_known =
                    |alias: &String| bound.contains(&**alias) || !found.iter().any(|of| of.alias == *alias);
                let both = (is_known(one), is_known(other));
                if both.0 {
                    bound.extend(meant(found, other));
                }
                if both.1 {
                    bound.extend(meant(found, one));
                }
            }
        }
        for of in found.iter().filter(|of| !bound.contains(&*of.alias)) {
            self.faults.push(format!("{} without its tenant", of.name));
        }
    }

    fn select(&mut self, select: &Select) {
        let (mut found, mut said) = (Vec::new(), Vec::new());
        tables(&select.from, &mut found, &mut said);
        if let Some(selection) = &select.selection {
            conjuncts(selection, &mut said);
        }
        self.bound(&found, &said);
    }

    fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else {
            return self.faults.push("an insert into what is no table".to_owned());
        };
        let name = last(name);
        if OF_NOBODY.contains(&&*name) {
            return;
        }
        let at = insert.columns.iter().position(|column| last(column) == "tenant");
        let Some(at) = at else {
            return self.faults.push(format!("an insert into {name} without its tenant"));
        };
        // One tenant a statement, so that one machine has it.
        let is_one = match insert.source.as_deref().map(|query| &*query.body) {
            Some(SetExpr::Values(values)) => {
                values.rows.iter().all(|row| row.content.get(at).is_some_and(is_parameter))
            }
            Some(SetExpr::Select(select)) => match select.projection.get(at) {
                Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => {
                    is_parameter(expr)
                }
                _ => false,
            },
            _ => false,
        };
        if !is_one {
            self.faults.push(format!("an insert into {name} of more than one tenant"));
        }
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on {
            match (&conflict.conflict_target, &conflict.action) {
                (Some(ConflictTarget::Columns { columns, .. }), _)
                    if columns
                        .first()
                        .is_some_and(|first| first.to_string().eq_ignore_ascii_case("tenant")) => {}
                (None, OnConflictAction::DoNothing) => {}
                _ => self
                    .faults
                    .push(format!("a conflict in {name} by a key that does not start with its tenant")),
            }
        }
    }

    fn update(&mut self, update: &Update) {
        let (mut found, mut said) = (Vec::new(), Vec::new());
        tables(std::slice::from_ref(&update.table), &mut found, &mut said);
        if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) = &update.from
        {
            tables(from, &mut found, &mut said);
        }
        if let Some(selection) = &update.selection {
            conjuncts(selection, &mut said);
        }
        self.bound(&found, &said);
    }

    fn delete(&mut self, delete: &Delete) {
        let (mut found, mut said) = (Vec::new(), Vec::new());
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        tables(from, &mut found, &mut said);
        if let Some(using) = &delete.using {
            tables(using, &mut found, &mut said);
        }
        if let Some(selection) = &delete.selection {
            conjuncts(selection, &mut said);
        }
        self.bound(&found, &said);
    }
}

/// The tables that a name means; without one, all there are.
fn meant<'q>(found: &'q [Of], alias: &str) -> Vec<&'q str> {
    found.iter().filter(|of| alias.is_empty() || of.alias == alias).map(|of| &*of.alias).collect()
}

impl Visitor for Look {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut bodies = vec![&*query.body];
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::Select(select) => self.select(select),
                SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn every_statement_names_one_tenant_and_asks_for_nothing_else() {
    let cluster = logged();
    crate::postgres::all(&|| Box::new(Postgres::on(cluster)));
    let (source, there) = (Sqlite::new(), Postgres::on(cluster));
    let store = PostgresStore::open_to_fill(&there.url).unwrap();
    transfer::copy(&*source.open(), &store, &mut *ledger::Store::filler(&store).unwrap(), &mut |_| {})
        .unwrap();
    let mut watch = ledger::Store::watch(&*there.open()).unwrap().unwrap();
    watch.look(&[model::id::TenantId::stored("acme")]).unwrap();
    let mut reader = there.open().reader().unwrap();
    reader
        .due_records(ledger::Shelf::Private, "mail", testkit::ask::instant("2026-08-03T09:00:00Z"), 10)
        .unwrap();

    let asked = asked(cluster);
    let of_tables: Vec<&String> = asked.iter().filter(|asked| asked.contains("tenant")).collect();
    assert!(of_tables.len() > 80, "{} statements: {of_tables:#?}", of_tables.len());
    let is_asked = |scan: &str| asked.iter().any(|asked| asked.starts_with(scan));
    let mut wrong: Vec<String> =
        SCANS.iter().filter(|scan| !is_asked(scan)).map(|scan| format!("nobody asks {scan}")).collect();
    for statement in &asked {
        // Migrations are read by the database itself; what they make is looked at in `schema`.
        let faults = faults(statement);
        if !faults.is_empty() {
            wrong.push(format!("{statement}\n    {}", faults.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_statement_that_would_leave_its_tenant_is_told() {
    for (statement, is_sound) in [
        ("SELECT sku FROM pools WHERE tenant = $1 AND sku = $2", true),
        ("SELECT sku FROM pools WHERE sku = $2", false),
        ("SELECT sku FROM pools WHERE tenant = $1 OR sku = $2", false),
        ("SELECT sku FROM pools WHERE tenant <> $1", false),
        ("SELECT q.sku FROM supplies s JOIN queue q ON q.tenant = s.tenant WHERE s.tenant = $1", true),
        ("SELECT q.sku FROM supplies s JOIN queue q ON q.supply_id = s.supply_id WHERE s.tenant = $1", false),
        ("SELECT 1 FROM pools WHERE tenant = $1 AND EXISTS (SELECT 1 FROM queue WHERE sku = $2)", false),
        (
            "SELECT f.* FROM unnest($2::text[]) AS w (key) CROSS JOIN LATERAL (SELECT sku FROM pools WHERE tenant = $1 AND sku = w.key OFFSET 0) AS f",
            true,
        ),
        (
            "SELECT f.* FROM unnest($2::text[]) AS w (key) CROSS JOIN LATERAL (SELECT sku FROM pools WHERE sku = w.key OFFSET 0) AS f",
            false,
        ),
        (
            "INSERT INTO work (tenant, id) SELECT $1, r.id FROM unnest($2::bigint[]) AS r (id) ON CONFLICT (tenant, id) DO NOTHING",
            true,
        ),
        (
            "INSERT INTO work (tenant, id) SELECT r.t, r.id FROM unnest($1::text[], $2::bigint[]) AS r (t, id)",
            false,
        ),
        ("INSERT INTO work (id) VALUES ($1)", false),
        ("INSERT INTO work (tenant, id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", false),
        ("UPDATE heads SET version = $2 WHERE tenant = $1", true),
        ("UPDATE heads SET version = $1", false),
        (
            "DELETE FROM timers USING unnest($2::bytea[]) AS g (id) WHERE timers.tenant = $1 AND timers.id = g.id",
            true,
        ),
        ("DELETE FROM timers USING unnest($2::bytea[]) AS g (id) WHERE timers.id = g.id", false),
        ("DELETE FROM timers", false),
        ("SELECT pg_advisory_lock(1)", false),
        ("CREATE TEMP TABLE t (id int)", false),
        ("LISTEN changes", false),
        ("SELECT nextval('numbers')", false),
        ("CREATE TABLE t (tenant text, id bigserial)", false),
        ("SELECT value FROM installation WHERE name = 'secret'", true),
    ] {
        assert_eq!(faults(statement).is_empty(), is_sound, "{statement}: {:?}", faults(statement));
    }
}
