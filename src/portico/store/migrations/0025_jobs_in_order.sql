-- Jobs are taken in the order of their times, and those of one time in the order of their ids.

DROP INDEX jobs_by_run;
CREATE INDEX jobs_by_run ON jobs (run_at, id);
