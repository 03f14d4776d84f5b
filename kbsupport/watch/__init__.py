"""Does what was proven still hold? Random audits and drift, each with a stated error; pure."""
