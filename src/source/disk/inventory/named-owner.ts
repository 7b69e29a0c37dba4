import type { Candidate } from '../../../image/choose/choose-image.js';
import type { Container } from '../../../image/container.js';
import type { NamedOwner } from '../../../image/path-owner.js';

export function imageOwner({ ids: [id], names }: Candidate): NamedOwner {
  return { id, names };
}

/** @param namespace of containerd, if it has one that is shown */
export function containerOwner({ id, names }: Container, namespace?: string): NamedOwner {
  return { id, names, ...(namespace !== undefined && { namespace }) };
}
