"""OpenAI's composed tools that only read."""

from portico.integrations.openai import (
    access_report,
    batch_estimate,
    costs_report,
    fine_tuning_estimate,
    key_audit,
    rate_limit_check,
    usage_report,
)

REPORTS = (
    costs_report.REPORT,
    usage_report.REPORT,
    access_report.REPORT,
    key_audit.REPORT,
    rate_limit_check.CHECK,
    batch_estimate.ESTIMATE,
    fine_tuning_estimate.ESTIMATE,
)
