package keras_ae.device

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import java.io.FileInputStream
import java.nio.channels.FileChannel
import org.tensorflow.lite.Interpreter

/**
 * A decoder that `keras-ae export litert` wrote, in the assets of the app: grey pictures of one class.
 *
 * It must have been exported with a batch size of 1. Without a condition, leave `label` out of [draw].
 */
class Decoder(context: Context, asset: String) : AutoCloseable {
    private val interpreter = context.assets.openFd(asset).use { file ->
        val channel = FileInputStream(file.fileDescriptor).channel
        Interpreter(channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength))
    }
    private val shape = interpreter.getOutputTensorFromSignature("x", "generate").shape() // [1, height, width, 1]

    /** Picture [row] of a seed. One seed gives one picture, here and in Keras. */
    fun draw(seed: Int, row: Int = 0, label: Int? = null): Bitmap {
        val inputs = mutableMapOf<String, Any>("seed" to intArrayOf(seed), "row" to intArrayOf(row))
        if (label != null) inputs["condition"] = intArrayOf(label)
        val (_, height, width) = shape
        val x = Array(1) { Array(height) { Array(width) { FloatArray(1) } } }
        interpreter.runSignature(inputs, mapOf<String, Any>("x" to x), "generate")
        val picture = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        for (i in 0 until height) {
            for (j in 0 until width) {
                val value = x[0][i][j][0]
                require(!value.isNaN()) { "The decoder does not know the label $label." }
                val grey = (255 * value.coerceIn(0f, 1f)).toInt()
                picture.setPixel(j, i, Color.rgb(grey, grey, grey))
            }
        }
        return picture
    }

    override fun close() = interpreter.close()
}
