-- Spreads a Shipwhen database over a Citus cluster, tenant by tenant. Run once, as the role that owns the tables, after a
-- first start (`shipwhen keys create --store postgres://…` makes the tables):
--
--     psql -v ON_ERROR_STOP=1 -f deploy/citus.sql DATABASE
--
-- Tables stand together: all rows of a tenant on one worker, so each batch runs there and nowhere else. `installation` and
-- `migrations`, a row or two each, stay on the coordinator. A later version that adds a table says so in its changelog, and this
-- file has it: running it again distributes what is not distributed yet.

CREATE EXTENSION IF NOT EXISTS citus;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'tenants',
        'api_keys',
        'heads',
        'changes',
        'events',
        'locations',
        'pools',
        'policies',
        'supplies',
        'orders',
        'queue',
        'holds',
        'timers',
        'work',
        'replays',
        'records',
        'private_records'
    ] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = name::regclass) THEN
            IF name = 'tenants' THEN
                PERFORM create_distributed_table(name, 'tenant');
            ELSE
                PERFORM create_distributed_table(name, 'tenant', colocate_with => 'tenants');
            END IF;
        END IF;
    END LOOP;
END
$$;
