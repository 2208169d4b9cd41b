-- What is with fulfilment. Never edit this file: a later change is a later file.

-- Of `quantity`, units that were handed over to fulfilment and have not left.
ALTER TABLE queue ADD COLUMN released INTEGER NOT NULL DEFAULT 0;
