-- system/0005_job_lanes
-- A lane is a kind of jobs and a priority: its first job is found without a look at those of other kinds, or at later ones.
-- Immutable once merged: to change it, make the next one.

set lock_timeout = '5s';
set statement_timeout = '1h';

begin;

-- What is done is deleted, so there are few rows, and workers wait for a moment.
-- typecase: allow M302
create index job_lane_idx on cms.job (kind, priority desc, due, id) where state <> 'parked';
-- typecase: allow M302
drop index cms.job_due_idx;
-- typecase: allow M302
drop index cms.job_next_idx;

commit;
