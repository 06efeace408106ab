/** When the loading of this bundle began: imported before everything else, so that it is the first to run. */
export const began = performance.now();
