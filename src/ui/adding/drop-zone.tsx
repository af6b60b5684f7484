import { useEffect, useRef, useState, type ChangeEvent, type ReactElement, type ReactNode } from 'react'
import { AppError } from '../../pack/failure.ts'
import { sortDropped, type DroppedFile } from '../../state/dropped.ts'
import { droppedFiles, folderName, MAX_FILES } from './dropped-files.ts'
import { useApp } from '../store-context.ts'
import { useDroppedFolder } from '../studio/dropped-folder.ts'

/** The whole page takes pictures: dropped anywhere, pasted, or chosen with the button. */
export function DropZone({ children }: { children: ReactNode }): ReactElement {
  const addFiles = useAddFiles()
  const requestOffer = useApp((state) => state.requestOffer)
  const remark = useApp((state) => state.remark)
  const isSearch = useApp((state) => state.place === 'search')
  const search = useApp((state) => state.searchActions)
  const take = (files: DroppedFile[]): void => {
    if (isSearch) return void search.addFiles(folderName(files), files)
    const dropped = sortDropped(files)
    if (dropped.kind === 'model')
      return void requestOffer({ kind: 'files', files }, { precision: 'q4f16', token: null })
    const { pictures, leftAside } = dropped
    if (pictures.length === 0) throw new AppError('bad-file', NO_PICTURE)
    addFiles(pictures.map(({ file }) => file))
    const said = [leftAsideSentence(leftAside), files.length === MAX_FILES ? TOO_MANY : '']
    const remarks = said.filter((sentence) => sentence !== '')
    if (remarks.length > 0) remark(remarks.join(' '))
  }
  const takeFolder = useDroppedFolder()
  const isInStudio = useApp((state) => state.place === 'studio')
  const over = useFileDrag(
    // Entries must be asked for before the handler ends; reading them may take its time.
    (transfer) => (isInStudio ? takeFolder(transfer) : droppedFiles(transfer).catch(refuse).then(take)),
    useApp((state) => state.report),
  )
  usePaste(addFiles)
  return (
    <div className="page">
      {children}
      {over && (
        <div className="drop-overlay" aria-hidden="true">
          <p>Drop the picture, or the folder of a model, anywhere</p>
        </div>
      )}
    </div>
  )
}

/** "Choose image": opens the file dialog. */
export function ChooseImage({ primary = true }: { primary?: boolean }): ReactElement {
  const addFiles = useAddFiles()
  const input = useRef<HTMLInputElement>(null)
  const onChange = (event: ChangeEvent<HTMLInputElement>): void => {
    addFiles([...(event.target.files ?? [])])
    // The same file may be chosen again.
    event.target.value = ''
  }
  return (
    <>
      <button
        type="button"
        className={primary ? 'primary' : ''}
        data-after-removal
        onClick={() => input.current?.click()}
      >
        Choose image
      </button>
      <input ref={input} type="file" accept="image/*" multiple hidden onChange={onChange} />
    </>
  )
}

function useAddFiles(): (files: File[]) => void {
  const addImages = useApp((state) => state.addImages)
  return (files) => {
    if (files.length > 0)
      addImages(files.map((file) => ({ image: file, name: file.name || 'Pasted picture' })))
  }
}

const UNREADABLE = 'What was dropped cannot be read; drop it again, or choose the files instead.'
const NO_PICTURE =
  'There is no picture in what was dropped; drop JPEG, PNG, WebP, GIF, BMP, ICO or AVIF files.'
const TOO_MANY = `Only the first ${MAX_FILES} files were looked at.`

function leftAsideSentence(count: number): string {
  if (count === 0) return ''
  return count === 1
    ? 'One file that is no picture was left aside.'
    : `${count} files that are no pictures were left aside.`
}

function refuse(cause: unknown): never {
  throw new AppError('bad-file', UNREADABLE, { cause })
}

function useFileDrag(
  take: (transfer: DataTransfer | null) => Promise<void>,
  report: (error: unknown) => void,
): boolean {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
    const onOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      take(event.dataTransfer).catch(report)
    }
    document.addEventListener('dragover', onOver)
    document.addEventListener('dragleave', onLeave)
    document.addEventListener('drop', onDrop)
    return () => {
      document.removeEventListener('dragover', onOver)
      document.removeEventListener('dragleave', onLeave)
      document.removeEventListener('drop', onDrop)
    }
  })
  return over
}

function usePaste(addFiles: (files: File[]) => void): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => addFiles([...(event.clipboardData?.files ?? [])])
    document.addEventListener('paste', onPaste)
    return () => document.removeEventListener('paste', onPaste)
  })
}
