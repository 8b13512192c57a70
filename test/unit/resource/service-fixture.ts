import { sha256 } from '../../../src/lib/digest.ts';
import { probeRecord } from '../../../src/remote/record.ts';
import type { FileOperation } from '../../../src/resource/change.ts';
import type { Member, ProbeRecord, Resource } from '../../../src/resource/define.ts';

/** A probe's record of these fields. */
export function record(fields: Readonly<Record<string, string>>): ProbeRecord {
  return probeRecord(new Map(Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)])));
}

/** A file resource as a member of a set that was found with this text, root's and 0644. */
export function holding(resource: Resource, found: string): Member {
  const seen = record({
    stat0: `81a4:${Buffer.byteLength(found)}:644:root:0:root:0:"x"`,
    digest0: sha256(found),
    content0: found,
  });
  return { resource, observed: resource.type.parse(seen, resource.desired), unwanted: false };
}

/** A file resource that was found as it should be. */
export function same(resource: Resource): Member {
  const [whole] = (resource.type.apply(resource.desired, undefined, []).files ?? []).filter(
    (one): one is Extract<FileOperation, { kind: 'file' }> => one.kind === 'file',
  );
  return holding(resource, Buffer.concat([...(whole?.content.pieces() ?? [])]).toString('utf8'));
}

/** A resource that was not found. */
export function lacking(resource: Resource): Member {
  return { resource, observed: resource.type.parse(record({}), resource.desired), unwanted: false };
}
