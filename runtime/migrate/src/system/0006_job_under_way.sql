-- system/0006_job_under_way
-- Of two jobs with one key, the second begins when the first has ended.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- What is done is deleted, so there are few rows, and workers wait for a moment.
-- typecase: allow M302
create index job_under_way_idx on cms.job (kind, key) where state = 'running' and key is not null;

commit;
