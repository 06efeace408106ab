import { join } from 'node:path';

/** What lies in the folder of the trial MySQL, and all there is of it: removing it removes the whole. */
export const serverFolder = (folder: string): string => join(folder, 'server');
export const dataFolder = (folder: string): string => join(folder, 'data');
