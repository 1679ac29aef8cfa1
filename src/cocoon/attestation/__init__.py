"""Who is at the other end: certificates, evidence, policies and their verification."""
