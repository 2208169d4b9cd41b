-- What of a supply is ring-fenced for a channel. Never edit this file: a later change is a later file.

-- JSON: channel and units of each, sorted by channel.
ALTER TABLE supplies ADD COLUMN ring_fenced TEXT NOT NULL DEFAULT '[]';
