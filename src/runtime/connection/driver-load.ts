import type { Timer } from '../../clock.js';

/** Calls back when the code of a driver is loaded, or could not be; not after `cancel`. */
export function afterLoad(
  loading: Promise<void>,
  onLoaded: () => void,
  onFailed: (error: Error) => void,
): Timer {
  let isCancelled = false;
  loading.then(
    () => {
      if (!isCancelled) onLoaded();
    },
    (error: Error) => {
      if (!isCancelled) onFailed(error);
    },
  );
  return {
    cancel: () => {
      isCancelled = true;
    },
  };
}
