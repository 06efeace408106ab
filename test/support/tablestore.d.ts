/** What our tests use of the official SDK, which ships no types. */
declare module 'tablestore' {
  type Call = (request: object) => Promise<SdkAnswer>;
  /** Answers have as many shapes as operations: a test names what it expects, and fails where that is absent. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  export type SdkAnswer = any;
  export type Client = Record<
    | 'createTable'
    | 'listTable'
    | 'describeTable'
    | 'updateTable'
    | 'deleteTable'
    | 'getRow'
    | 'putRow'
    | 'updateRow'
    | 'deleteRow'
    | 'batchGetRow'
    | 'batchWriteRow'
    | 'getRange'
    | 'startLocalTransaction'
    | 'commitTransaction'
    | 'abortTransaction'
    | 'listSearchIndex',
    Call
  >;
  export interface Sdk {
    readonly Client: new (options: {
      accessKeyId: string;
      secretAccessKey: string;
      stsToken?: string;
      endpoint: string;
      instancename: string;
      maxRetries?: number;
    }) => Client;
    readonly Long: { fromNumber(value: number): object; fromString(value: string): object };
    readonly [name: string]: SdkAnswer;
  }
  const sdk: Sdk;
  export default sdk;
}
