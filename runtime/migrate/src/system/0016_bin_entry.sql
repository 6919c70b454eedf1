-- system/0016_bin_entry
-- An entry of the bin is found by its id, when another one that it refers to comes back.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- typecase: allow M302
create index bin_entry_idx on cms.bin (entry);

commit;
