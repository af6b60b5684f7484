/** The thread beside the page of the store's contract. */
import { tryContract } from './contract.ts'
import { answerPage } from './across-threads.ts'
import { storeOfBrowser } from './store-under-test.ts'

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (data === 'contract') void tryContract(storeOfBrowser).then((outcomes) => postMessage(outcomes))
  else void answerPage(data)
})
