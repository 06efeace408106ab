import type { Check } from './check.js';
import { binlogEnabled } from './checks/binlog-enabled.js';
import { binlogFilters } from './checks/binlog-filters.js';
import { binlogFormat } from './checks/binlog-format.js';
import { binlogRetention } from './checks/binlog-retention.js';
import { binlogRowImage } from './checks/binlog-row-image.js';
import { carriedColumns } from './checks/carried-columns.js';
import { cascades } from './checks/cascades.js';
import { caseFolding } from './checks/case-folding.js';
import { columnTypes } from './checks/column-types.js';
import { destinationConnection } from './checks/destination-connection.js';
import { destinationLimit } from './checks/destination-limit.js';
import { destinationNames } from './checks/destination-names.js';
import { destinationPermissions } from './checks/destination-permissions.js';
import { destinationTables } from './checks/destination-tables.js';
import { encryptedColumns } from './checks/encrypted-columns.js';
import { engines } from './checks/engines.js';
import { etlColumns } from './checks/etl-columns.js';
import { etlKey } from './checks/etl-key.js';
import { etlScript } from './checks/etl-script.js';
import { filters } from './checks/filters.js';
import { leftOut } from './checks/left-out.js';
import { heartbeat } from './checks/heartbeat.js';
import {
  gtidMode,
  otherReplicas,
  partialJson,
  rowMetadata,
  timeZoneTables,
  transactionCompression,
} from './checks/information.js';
import { keyColumns } from './checks/key-columns.js';
import { maskedKeys } from './checks/masked-keys.js';
import { objects } from './checks/objects.js';
import { replicaUpdates } from './checks/replica-updates.js';
import { serverId } from './checks/server-id.js';
import { sourceConnection } from './checks/source-connection.js';
import { sourceConnections, sourceRoom } from './checks/source-connections.js';
import { sourceEncryption } from './checks/source-encryption.js';
import { sourceKind } from './checks/source-kind.js';
import { sourcePrivileges } from './checks/source-privileges.js';
import { sourceVersion } from './checks/source-version.js';
import { startPosition } from './checks/start-position.js';
import { tableCount } from './checks/table-count.js';
import { tableKeys } from './checks/table-keys.js';
import { cellSizes, emptyKeys, keySizes, rowSizes, unsignedBigints } from './checks/value-limits.js';

/** Every item, in the order in which people read them. */
export const checks: readonly Check[] = [
  sourceConnection,
  sourceEncryption,
  sourceKind,
  sourceVersion,
  sourcePrivileges,
  sourceConnections,
  sourceRoom,
  binlogEnabled,
  binlogFormat,
  binlogRowImage,
  binlogFilters,
  serverId,
  startPosition,
  binlogRetention,
  replicaUpdates,
  heartbeat,
  objects,
  tableCount,
  tableKeys,
  keyColumns,
  maskedKeys,
  columnTypes,
  filters,
  etlScript,
  etlColumns,
  etlKey,
  engines,
  cascades,
  unsignedBigints,
  keySizes,
  emptyKeys,
  cellSizes,
  rowSizes,
  encryptedColumns,
  destinationConnection,
  destinationPermissions,
  destinationNames,
  caseFolding,
  destinationTables,
  destinationLimit,
  rowMetadata,
  gtidMode,
  transactionCompression,
  partialJson,
  timeZoneTables,
  otherReplicas,
  carriedColumns,
  leftOut,
];
