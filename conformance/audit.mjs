// The audit of GraphQL over HTTP: every MUST and SHOULD.
import { auditServer } from 'graphql-http';

export async function audit(url) {
  const results = await auditServer({ url });
  const failed = results.filter((result) => result.status !== 'ok');
  for (const { status, id, name, reason } of failed) console.error(`${status} ${id} ${name}: ${reason}`);
  if (failed.length > 0) throw new Error(`${failed.length} of ${results.length} audits are not green`);
  return `${results.length} audits`;
}
