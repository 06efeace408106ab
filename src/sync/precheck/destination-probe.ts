import { TablestoreClient } from '../../tablestore/client/client.js';
import { TablestoreError } from '../../tablestore/client/errors.js';
import { describeTable, listTables, type TableDescription } from '../../tablestore/client/operations.js';
import { ProtobufWriter } from '../../tablestore/wire/protobuf.js';
import type { DestinationSettings } from '../../shared/task.js';

const refused = 'OTSNoPermissionAccess';

/** What prechecks ask of the destination; nothing here changes it. */
export class DestinationProbe {
  readonly #client: TablestoreClient;
  #tables: Promise<string[]> | undefined;
  readonly #descriptions = new Map<string, Promise<TableDescription | null>>();

  constructor(readonly settings: DestinationSettings) {
    this.#client = new TablestoreClient(settings, { requestTimeoutMs: 5000 });
  }

  /** Names of the tables of the instance, asked once. Throws TablestoreError. */
  tables(): Promise<string[]> {
    return (this.#tables ??= listTables(this.#client));
  }

  describe(table: string): Promise<TableDescription | null> {
    let description = this.#descriptions.get(table);
    if (!description) {
      description = describeTable(this.#client, table);
      this.#descriptions.set(table, description);
    }
    return description;
  }

  /**
   * May the account do this? Asked with a request that cannot succeed: a table without a name, a row of a table
   * that is not there. Permissions are looked at before anything else, so any other refusal means yes.
   */
  async permits(operation: 'CreateTable' | 'PutRow' | 'DeleteRow' | 'GetRange'): Promise<boolean> {
    const body = new ProtobufWriter(64);
    if (operation !== 'CreateTable') body.string(1, absentTable);
    try {
      await this.#client.call(operation, body.finish());
      return true;
    } catch (error) {
      if (!(error instanceof TablestoreError)) throw error;
      if (error.kind === 'connection') throw error;
      return error.service !== refused;
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** Nobody has a table of this name. */
const absentTable = 'rowferry_permission_probe_that_is_never_created';
