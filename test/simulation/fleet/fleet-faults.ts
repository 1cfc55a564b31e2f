import type { Draw } from '../draw.js';
import { EAST, type Fleet, WEST } from './fleet.js';
import type { Path } from './model-network.js';

/** A fault that begins and ends; both at the present time of the fleet's clock. */
export interface FleetFault {
  readonly name: string;
  readonly begin: (fleet: Fleet) => void;
  readonly end: (fleet: Fleet) => void;
}

/** Longest time after the end of an outage in which TCP sends lost packets again, in milliseconds. */
const LONGEST_RESEND_MS = 5000;

function cut(paths: readonly Path[]): void {
  for (const path of paths) path.isCut = true;
}

function heal(paths: readonly Path[], draw: Draw): void {
  for (const path of paths) {
    path.isCut = false;
    path.release(draw.between(0, LONGEST_RESEND_MS));
  }
}

const pathsTo = (fleet: Fleet, id: string) =>
  fleet.paths.filter(({ database }) => database.id === id);

/** The paths of the processes that `chosen` picks by index and zone. */
function pathsOf(fleet: Fleet, chosen: (index: number, zone: string) => boolean): Path[] {
  return fleet.processes
    .filter(({ setting }) => chosen(setting.index, setting.zone))
    .flatMap(({ setting }) => [...setting.paths.values()]);
}

/** The database of a region is lost: its port refuses. */
export function regionRefuses(id = EAST): FleetFault {
  return {
    name: `${id} is lost and refuses`,
    begin: (fleet) => fleet.database(id).crash(),
    end: (fleet) => fleet.database(id).heal(),
  };
}

/** The database of a region is lost: nothing answers. */
export function regionSilent(draw: Draw, id = EAST): FleetFault {
  return {
    name: `${id} is lost and silent`,
    begin: (fleet) => {
      fleet.database(id).isSilent = true;
    },
    end: (fleet) => {
      fleet.database(id).heal();
      heal(pathsTo(fleet, id), draw);
    },
  };
}

/** A whole region is cut off: its database, and the processes in it. */
export function regionIsolated(draw: Draw): FleetFault {
  const affected = (fleet: Fleet) => [
    ...new Set([...pathsTo(fleet, EAST), ...pathsOf(fleet, (_, zone) => zone === EAST)]),
  ];
  return {
    name: 'the region east is cut off, with its processes',
    begin: (fleet) => cut(affected(fleet)),
    end: (fleet) => heal(affected(fleet), draw),
  };
}

/** Some of the processes cannot reach east. */
export function partialPartition(draw: Draw, share = 1 / 3): FleetFault {
  const first = draw.integer(0, 2);
  const affected = (fleet: Fleet) =>
    pathsOf(fleet, (index) => ((index + first) % 3) / 3 < share - 0.01).filter(
      ({ database }) => database.id === EAST,
    );
  return {
    name: `${Math.round(share * 100)} % of the processes cannot reach east`,
    begin: (fleet) => cut(affected(fleet)),
    end: (fleet) => heal(affected(fleet), draw),
  };
}

/** The link of one zone to east, or of all, comes and goes. */
export function flappingLink(draw: Draw): FleetFault {
  const zone = draw.one(['west', 'central', undefined]);
  const upMs = draw.one([500, 2000, 6000]);
  const downMs = draw.one([300, 1500, 4000]);
  let isOn = false;
  const affected = (fleet: Fleet) =>
    pathsOf(fleet, (_, its) => zone === undefined || its === zone).filter(
      ({ database }) => database.id === EAST,
    );
  const flap = (fleet: Fleet) => {
    if (!isOn) return;
    const paths = affected(fleet);
    cut(paths);
    fleet.clock.at(fleet.clock.now() + downMs * draw.between(0.5, 1.5), () => {
      heal(paths, draw);
      fleet.clock.at(fleet.clock.now() + upMs * draw.between(0.5, 1.5), () => flap(fleet));
    });
  };
  return {
    name: `the link from ${zone ?? 'everywhere'} to east flaps (${downMs} ms down, ${upMs} ms up)`,
    begin: (fleet) => {
      isOn = true;
      flap(fleet);
    },
    end: () => {
      isOn = false;
    },
  };
}

/** East works at a fraction of its speed. */
export function slowDatabase(speed: number): FleetFault {
  return {
    name: `east has ${Math.round(speed * 100)} % of its capacity`,
    begin: (fleet) => {
      fleet.database(EAST).speed = speed;
    },
    end: (fleet) => {
      fleet.database(EAST).speed = 1;
    },
  };
}

/** Several faults that begin and end at the same moments. */
export function together(name: string, parts: readonly FleetFault[]): FleetFault {
  return {
    name,
    begin: (fleet) => {
      for (const part of parts) part.begin(fleet);
    },
    end: (fleet) => {
      for (const part of parts) part.end(fleet);
    },
  };
}

/** Both databases are lost, and return at the same moment. */
export function totalOutage(draw: Draw): FleetFault {
  const parts = draw.chance(0.5)
    ? [regionRefuses(EAST), regionRefuses(WEST)]
    : [regionSilent(draw, EAST), regionSilent(draw, WEST)];
  const how = parts[0]!.name.replace(/.* and /, '');
  return together(`both databases are lost (${how}) and return at once`, parts);
}
