package keras_ae.device

import android.app.Activity
import android.os.Bundle
import android.widget.ImageView

/** Shows an image of a 3; a tap shows the next one. */
class MainActivity : Activity() {
    private lateinit var decoder: Decoder
    private var row = 0

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        decoder = Decoder(this, "decoder.tflite")
        val view = ImageView(this)
        view.scaleType = ImageView.ScaleType.FIT_CENTER
        view.setImageBitmap(decoder.draw(seed = 7, row = row, label = 3))
        view.setOnClickListener { view.setImageBitmap(decoder.draw(seed = 7, row = ++row, label = 3)) }
        setContentView(view)
    }

    override fun onDestroy() {
        decoder.close()
        super.onDestroy()
    }
}
