/** What of transformers.js the comparison uses. The package is no dependency: see lab/speed/side-by-side.ts. */
declare module '@huggingface/transformers' {
  export class Tensor {
    constructor(type: 'int64', data: BigInt64Array, dims: number[])
    readonly dims: number[]
  }
  export const env: {
    allowRemoteModels: boolean
    allowLocalModels: boolean
    localModelPath: string
    useBrowserCache: boolean
    useWasmCache: boolean
    backends: { onnx: { wasm: object } }
  }
  interface Model {
    generate(options: object): Promise<unknown>
  }
  export const AutoModelForCausalLM: { from_pretrained(name: string, options: object): Promise<Model> }
}
